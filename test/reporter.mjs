// Mocha's spec reporter, which also writes what test/run.ts counts: `StageResults` as JSON into HANDOFF_TEST_RESULTS.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class ResultsReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failures = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      failures.push({ title: test.fullTitle(), error: String(error?.message ?? error) });
    });
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env.HANDOFF_TEST_RESULTS;
      if (file) writeFileSync(file, JSON.stringify({ passed: runner.stats.passes, failures }));
    });
  }
}
