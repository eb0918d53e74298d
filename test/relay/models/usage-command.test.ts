import assert from 'node:assert/strict';
import { usage } from '../../../server/cli/commands/usage.ts';
import { UsageReport } from '../../../server/protocol/usage.ts';
import { recordTerminal } from '../../unit/cli/terminal.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

describe('the command usage', function () {
  this.timeout(90_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  const run = async (...args: string[]) => {
    const terminal = recordTerminal({ env: { HANDOFF_DATA: workshop.data } });
    const code = await usage(args, terminal);
    return { code, ...terminal.written };
  };

  it('says what was spent on which task, and what is left of caps; as JSON what the relay answers', async () => {
    workshop = await openWorkshop([{ steps: [{ text: 'x'.repeat(400) }] }], {
      HANDOFF_MODEL_PRICE: '{"input": 0, "output": 2500}',
      HANDOFF_CAP_USER_DAY: '100',
    });
    const nothing = await run();
    assert.deepEqual(nothing, {
      ...{ code: 0, err: '' },
      out: '# Spending\n\nNo model was called yet.\n\n## Caps\n\n- your tasks in a day (UTC): $100.00, $100.00 of it left today\n',
    });

    const taskId = await workshop.delegate('Count the\tmiles | and more');
    const ended = await workshop.watch(taskId).until('turn.ended');
    assert.deepEqual([ended.outcome, ended.usage.costMicros], ['completed', 252_500]);
    const report = await workshop.client.usage();
    const shown = await run('--days', '1');
    const row = (name: string): string[] | undefined =>
      shown.out
        .split('\n')
        .map((line) => line.split('|').map((cell) => cell.trim()))
        .find((cells) => cells[1] === name);
    const { inputTokens, cachedInputTokens, outputTokens } = report.total;
    const figures = ['$0.25', '1', ...[inputTokens, cachedInputTokens, outputTokens].map(String), ''];
    assert.deepEqual(
      [shown.code, shown.err, shown.out.split('\n').slice(0, 7)],
      [
        0,
        '',
        [
          ...['# Spending', '', '$0.25 for 1 model calls.', '', '## Caps', ''],
          '- your tasks in a day (UTC): $100.00, $99.75 of it left today',
        ],
      ],
    );
    assert.deepEqual(
      ['fake-model', 'lead', 'Count the miles / and more'].map((name) => row(name)?.slice(2)),
      [figures, figures, figures],
    );

    const json = await run('--json');
    assert.deepEqual(
      [json.code, json.err, UsageReport.parse(JSON.parse(json.out))],
      [0, '', report],
      'it is what the relay says',
    );
    assert.equal(
      UsageReport.parse(JSON.parse((await run('--json', '--days', '0.00000001')).out)).total.calls,
      0,
    );
  });
});
