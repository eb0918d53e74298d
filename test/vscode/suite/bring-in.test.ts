import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { App } from '../../../extension/app.ts';
import { bringIn } from '../../../extension/commands/bring-in.ts';
import type { BroughtIn } from '../../../server/protocol/kept-work.ts';
import { emptyTask } from '../../../server/protocol/reduce.ts';

const tree = '1'.repeat(40);
const brought: BroughtIn = { changed: true, revision: 2, headTree: tree, conflicts: ['a.ts'], seq: 7 };
const executor = (agentId: string) => ({
  ...{ kind: 'tool', callId: agentId, name: 'task' },
  agent: {
    ...{ agentId, description: `Do ${agentId}`, outcome: 'failed' },
    result: { kind: 'executor', changed: ['a.ts'], treeBefore: tree, treeAfter: tree },
  },
});

/** What of the extension it needs: a task in which the work of these is kept, and a relay. */
function appOf(agentIds: readonly string[]): { app: App; asked: unknown[] } {
  const asked: unknown[] = [];
  const turns = [{ turnId: 'turn', startedAt: 1, items: agentIds.map(executor) }];
  const client = {
    async bringIn(...args: unknown[]) {
      asked.push(args);
      return brought;
    },
  };
  const app = {
    connection: { client: async () => client },
    store: { read: async (taskId: string) => ({ ...emptyTask(taskId), turns }) },
  };
  return { app: app as unknown as App, asked };
}

describe('Bring In Kept Work, in a real VS Code', () => {
  afterEach(() => vscode.commands.executeCommand('notifications.clearAll'));

  it('asks nothing where there is one thing to bring in', async () => {
    const { app, asked } = appOf(['one']);
    assert.deepEqual([await bringIn(app)('t1'), asked], [brought, [['t1', 'one']]]);
  });

  it('says that there is nothing, where nothing is kept', async () => {
    const { app, asked } = appOf([]);
    await assert.rejects(bringIn(app)({ taskId: 't1' }), { name: 'ExpectedError', code: 'not_found' });
    assert.deepEqual(asked, []);
  });
});
