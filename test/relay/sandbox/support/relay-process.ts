// A relay of its own, to be killed: starts one command and reports its output. Arguments: data folder, supervisor, task, exec request.
import { createLocalProvider } from '../../../../server/sandbox/local/provider.ts';
import type { ExecRequest } from '../../../../server/sandbox/sandbox.ts';

const [dataDir = '', supervisorPath = '', taskId = '', asked = ''] = process.argv.slice(2);
const request: ExecRequest = JSON.parse(asked);
const provider = createLocalProvider({ dataDir, supervisorPath });
const sandbox = await provider.create({ taskId });
const result = await sandbox.exec(request, { onOutput: ({ data }) => process.stdout.write(data) });
process.stdout.write(`ended: ${result.reason} ${result.exitCode}\n`);
await provider.close();
