// All of `npm test`, on Node 24: types, lint and build side by side, then a stage for each folder of tests.
// `npm test -- unit vscode` runs only those. Ends with the line `N passed, N failed`.
import { CHECKS, runStage, type Stage, type StageReport, testStages } from './stages.ts';

const write = (text: string) => void process.stdout.write(text);

/** Runs stages at once; each one's output comes in one piece, when it has ended. */
function runTogether(stages: Stage[]): Promise<StageReport[]> {
  return Promise.all(
    stages.map(async (stage) => {
      let output = '';
      const report = await runStage(stage, (text) => (output += text));
      write(`\n== ${stage.name} ==\n${output}`);
      return report;
    }),
  );
}

/** One list after the other; a stage that is alone shows its output as it comes. */
async function runInOrder(lists: Stage[][]): Promise<StageReport[]> {
  const reports: StageReport[] = [];
  for (const list of lists) {
    const [stage, ...others] = list;
    if (stage === undefined) continue;
    if (others.length > 0) {
      reports.push(...(await runTogether(list)));
      continue;
    }
    write(`\n== ${stage.name} ==\n`);
    reports.push(await runStage(stage, write));
  }
  return reports;
}

/** The failures, a line a stage, and the last line that everything else is read by. */
function summary(reports: StageReport[]): string {
  const failures = reports.flatMap(({ name, failures }) => failures.map((failure) => ({ name, ...failure })));
  const passed = reports.reduce((sum, report) => sum + report.passed, 0);
  const row = (name: string, ...cells: string[]) =>
    `${name.padEnd(10)}${cells.map((cell) => cell.padStart(9)).join('')}\n`;
  return [
    ...failures.map(
      ({ name, title, error }) => `\nFAILED ${name}: ${title}\n  ${error.replaceAll('\n', '\n  ')}\n`,
    ),
    `\n${row('stage', 'passed', 'failed', 'seconds')}`,
    ...reports.map(({ name, passed, failures, seconds }) =>
      row(name, String(passed), String(failures.length), seconds.toFixed(1)),
    ),
    `\n${passed} passed, ${failures.length} failed\n`,
  ].join('');
}

async function main(wanted: string[]): Promise<number> {
  const tests = testStages();
  const names = [...CHECKS, ...tests.flat()].map(({ name }) => name);
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`there is no stage ${unknown.join(', ')}; there are ${names.join(', ')}\n`);
    return 2;
  }
  const chosen = ({ name }: Stage) => wanted.length === 0 || wanted.includes(name);
  const reports = [
    ...(await runTogether(CHECKS.filter(chosen))),
    ...(await runInOrder(tests.map((list) => list.filter(chosen)))),
  ];
  write(summary(reports));
  return reports.every(({ failures }) => failures.length === 0) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  write(`${error instanceof Error ? error.stack : String(error)}\n\n0 passed, 1 failed\n`);
  return 1;
});
