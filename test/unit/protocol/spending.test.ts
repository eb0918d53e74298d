import assert from 'node:assert/strict';
import { spendingText } from '../../../server/protocol/spending.ts';

const NOTHING = {
  calls: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  costMicros: 0,
  unpriced: 0,
};
const some = (costMicros: number, calls: number) => ({
  ...NOTHING,
  costMicros,
  calls,
  inputTokens: 1000 * calls,
});

describe('a report of spending', () => {
  it('says what was spent on what, in columns, and what caps leave', () => {
    const text = spendingText(
      {
        since: 0,
        total: { ...some(1_234_567, 12), unpriced: 2 },
        models: [
          { model: 'acme/big', turns: 3, ...some(1_234_567, 10) },
          { model: 'local', turns: 1, ...some(0, 2) },
        ],
        tasks: [
          { taskId: 't1', ...some(1_230_000, 11) },
          { taskId: 't2', ...some(4567, 1) },
        ],
        roles: [{ role: 'lead', ...some(1_234_567, 12) }],
        days: [{ day: '2026-01-31', ...some(1_234_567, 12) }],
        caps: [
          { cap: 'turn', limitMicros: 500_000 },
          { cap: 'user', limitMicros: 5_000_000, usedMicros: 1_234_567 },
        ],
      },
      new Map([['t1', 'Show | miles\n please']]),
    );
    assert.equal(
      text,
      `# Spending

$1.23 for 12 model calls. 2 of them were of models whose price is not known, and count as nothing.

## Caps

- each turn: $0.50
- your tasks in a day (UTC): $5.00, $3.77 of it left today

| Day        |  Cost | Calls | Input | of it cached | Output |
| ---------- | ----: | ----: | ----: | -----------: | -----: |
| 2026-01-31 | $1.23 |    12 | 12000 |            0 |      0 |

| Model    |  Cost | Calls | Input | of it cached | Output |
| -------- | ----: | ----: | ----: | -----------: | -----: |
| acme/big | $1.23 |    10 | 10000 |            0 |      0 |
| local    | $0.00 |     2 |  2000 |            0 |      0 |

| Role |  Cost | Calls | Input | of it cached | Output |
| ---- | ----: | ----: | ----: | -----------: | -----: |
| lead | $1.23 |    12 | 12000 |            0 |      0 |

| Task                |    Cost | Calls | Input | of it cached | Output |
| ------------------- | ------: | ----: | ----: | -----------: | -----: |
| Show / miles please |   $1.23 |    11 | 11000 |            0 |      0 |
| t2                  | $0.0046 |     1 |  1000 |            0 |      0 |
`,
    );
  });

  it('says so where there is nothing', () => {
    const empty = { since: 0, total: NOTHING, models: [], tasks: [], roles: [], days: [], caps: [] };
    assert.equal(spendingText(empty, new Map()), '# Spending\n\nNo model was called yet.\n');
  });
});
