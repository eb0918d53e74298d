import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { App } from '../../../extension/app.ts';
import { showSpending } from '../../../extension/commands/show-spending.ts';
import type { UsageReport } from '../../../server/protocol/usage.ts';

const sums = {
  ...{ calls: 2, inputTokens: 1000, outputTokens: 50, cachedInputTokens: 400, costMicros: 1_500_000 },
  unpriced: 0,
};
const report: UsageReport = {
  ...{ since: 0, total: sums, models: [{ model: 'acme/big', turns: 1, ...sums }] },
  tasks: [{ taskId: 't1', ...sums }],
  roles: [{ role: 'lead', ...sums }],
  days: [{ day: '2026-01-31', ...sums }],
  caps: [{ cap: 'user', limitMicros: 5_000_000, usedMicros: 1_500_000 }],
};

/** What of the extension it needs: a relay that answers this, or fails so. */
const appOf = (usage: () => Promise<UsageReport>): App =>
  ({
    connection: { client: async () => ({ usage }) },
    store: { refresh: async () => [{ taskId: 't1', title: 'Show miles' }] },
  }) as unknown as App;

describe('Show Spending, in a real VS Code', () => {
  // A page that was never saved would be asked about.
  afterEach(async () => {
    while (vscode.window.activeTextEditor !== undefined)
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('opens a page of Markdown that names tasks by their titles, each time with the figures of now', async () => {
    const content = await showSpending(appOf(async () => report))();
    const shown = vscode.window.activeTextEditor?.document;
    assert.deepEqual([shown?.languageId, shown?.isUntitled, shown?.getText()], ['markdown', true, content]);
    assert.equal(
      content,
      `# Spending

$1.50 for 2 model calls.

## Caps

- your tasks in a day (UTC): $5.00, $3.50 of it left today

| Day        |  Cost | Calls | Input | of it cached | Output |
| ---------- | ----: | ----: | ----: | -----------: | -----: |
| 2026-01-31 | $1.50 |     2 |  1000 |          400 |     50 |

| Model    |  Cost | Calls | Input | of it cached | Output |
| -------- | ----: | ----: | ----: | -----------: | -----: |
| acme/big | $1.50 |     2 |  1000 |          400 |     50 |

| Role |  Cost | Calls | Input | of it cached | Output |
| ---- | ----: | ----: | ----: | -----------: | -----: |
| lead | $1.50 |     2 |  1000 |          400 |     50 |

| Task       |  Cost | Calls | Input | of it cached | Output |
| ---------- | ----: | ----: | ----: | -----------: | -----: |
| Show miles | $1.50 |     2 |  1000 |          400 |     50 |
`,
    );
    const more = { ...report, total: { ...sums, calls: 3 } };
    await showSpending(appOf(async () => more))();
    assert.ok(vscode.window.activeTextEditor?.document.getText().includes('$1.50 for 3 model calls.'));
  });

  it('opens nothing where the relay does not answer: whoever called it is told', async () => {
    const away = new Error('the relay is away');
    await assert.rejects(showSpending(appOf(() => Promise.reject(away)))(), away);
    assert.equal(vscode.window.activeTextEditor, undefined);
  });
});
