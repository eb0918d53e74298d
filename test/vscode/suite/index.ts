import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

/** What a run leaves in the file that HANDOFF_SUITE_RESULTS names; no file means that the extension host died. */
export interface SuiteResults {
  tests: { title: string; milliseconds: number; error?: string }[];
}

/** VS Code's extension host calls this; it rejects where a test has failed. */
export async function run(): Promise<void> {
  const file = process.env['HANDOFF_SUITE_RESULTS'];
  if (file === undefined) throw new Error('HANDOFF_SUITE_RESULTS is not set: run test/vscode/run.ts');
  const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, forbidOnly: true, forbidPending: true });
  for (const name of readdirSync(__dirname).filter((entry) => entry.endsWith('.test.cjs')))
    mocha.addFile(join(__dirname, name));

  const results: SuiteResults = { tests: [] };
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on('pass', (test) => {
      results.tests.push({ title: test.fullTitle(), milliseconds: test.duration ?? 0 });
    });
    runner.on('fail', (test, error: Error) => {
      results.tests.push({ title: test.fullTitle(), milliseconds: test.duration ?? 0, error: error.message });
    });
  });
  writeFileSync(file, JSON.stringify(results));
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
