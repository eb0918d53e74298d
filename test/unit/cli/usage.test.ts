import assert from 'node:assert/strict';
import { usage } from '../../../server/cli/commands/usage.ts';
import { recordTerminal } from './terminal.ts';

describe('the arguments of usage', () => {
  it('are refused where they make no sense, before any relay is looked for', async () => {
    for (const args of [['more'], ['--days', '0'], ['--days', '-1'], ['--days', 'some'], ['--weeks', '1']])
      await assert.rejects(usage(args, recordTerminal()), { name: 'UsageError' }, args.join(' '));
  });
});
