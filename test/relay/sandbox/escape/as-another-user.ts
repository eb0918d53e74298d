// The escape suite in a process of another user's. Prints what came of each check, by name: `ok`, or what was wrong.
// Arguments: data folder, supervisor (the egress process beside it), Node for the sandboxes.
import { CHECKS } from './checks.ts';
import { setStage } from './stage.ts';

const [dataDir = '', supervisorPath = '', nodePath = ''] = process.argv.slice(2);
const stage = await setStage({ dataDir, supervisorPath, nodePath });
const results: Record<string, string> = {};
try {
  for (const { name, run } of CHECKS) {
    results[name] = await run(stage).then(
      () => 'ok',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  }
} finally {
  await stage.close();
}
process.stdout.write(JSON.stringify(results));
