// Runs test/vscode/suite inside the extension host of a real VS Code: `node test/vscode/run.ts`.
// VSCODE_TEST_HOST=auto|desktop|server chooses which. Exits with 0 only where tests ran and all of them passed.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSampleRepo } from '../fakes/sample.ts';
import type { StageResults } from '../stages.ts';
import { chooseLauncher } from './launch.ts';
import type { SuiteResults } from './suite/index.ts';
import { bundleSuite } from './suite-bundle.ts';

type Results = ReturnType<typeof StageResults.parse>;

async function runSuite(): Promise<SuiteResults> {
  const directory = await mkdtemp(join(tmpdir(), 'handoff-suite-'));
  const workspace = join(directory, 'trip-log');
  const resultsFile = join(directory, 'results.json');
  const launch = await chooseLauncher(process.env['VSCODE_TEST_HOST'] ?? 'auto');
  const suite = await bundleSuite();
  try {
    await createSampleRepo(workspace);
    const env = { HANDOFF_SUITE_RESULTS: resultsFile, HANDOFF_DATA: join(directory, 'data') };
    const failure = await launch({ entry: suite.entry, workspace, directory, env }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const text = await readFile(resultsFile, 'utf8').catch(() => undefined);
    if (text === undefined)
      throw (
        failure ??
        new Error('the extension host ended without results: it crashed, or the suite did not load')
      );
    return JSON.parse(text) as SuiteResults;
  } finally {
    await rm(suite.folder, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

function show({ tests }: SuiteResults): void {
  for (const { title, milliseconds, error } of tests)
    console.log(error === undefined ? `  ✔ ${title} (${milliseconds}ms)` : `  ✘ ${title}\n    ${error}`);
}

async function main(): Promise<Results> {
  try {
    const results = await runSuite();
    show(results);
    const failures = results.tests.flatMap(({ title, error }) =>
      error === undefined ? [] : [{ title, error }],
    );
    return { passed: results.tests.length - failures.length, failures };
  } catch (error) {
    console.error(error);
    return { passed: 0, failures: [{ title: 'VS Code suite', error: String(error) }] };
  }
}

const results = await main();
console.log(`\n  ${results.passed} passing\n  ${results.failures.length} failing`);
const file = process.env['HANDOFF_TEST_RESULTS'];
if (file !== undefined) await writeFile(file, JSON.stringify(results));
process.exitCode = results.failures.length === 0 && results.passed > 0 ? 0 : 1;
