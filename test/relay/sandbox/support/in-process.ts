// A relay of its own: makes a sandbox, has a script say what it sees, hibernates, resumes, destroys. Prints it all as JSON.
// Arguments: data folder, supervisor, Node for the sandbox, script.
import { createLocalProvider } from '../../../../server/sandbox/local/provider.ts';
import { shell } from './local.ts';

const [dataDir = '', supervisorPath = '', nodePath = '', script = ''] = process.argv.slice(2);
const provider = createLocalProvider({ dataDir, supervisorPath, nodePath });
const { ref } = await provider.create({ taskId: 'in-process' });
try {
  const first = await shell(await provider.resume(ref), script);
  await provider.hibernate(ref);
  const kept = await shell(await provider.resume(ref), 'cat kept; mkdir closed; chmod 000 closed');
  await provider.destroy(ref);
  process.stdout.write(JSON.stringify({ first, kept: kept.out, state: await provider.state(ref) }));
} finally {
  await provider.destroy(ref);
  await provider.close();
}
