import assert from 'node:assert/strict';
import { createUpdateService } from '../../../server/tasks/update-service.ts';

const OLD = '0'.repeat(40);
const NEW = '1'.repeat(40);
const unused = () => assert.fail('nobody asked for that');

describe('an update right behind a turn’s end', () => {
  it('waits until what the turn left is known: found later, it would be taken for work on the new base', async () => {
    const asked: string[] = [];
    const looks = [false, false, true];
    const updates = createUpdateService({
      tasks: {
        row: async () => ({
          taskId: 't',
          spec: { source: { url: 'https://git.example/a.git', commit: OLD, branch: 'main' } },
          activeTurn: null,
          sandbox: null,
          prepared: { baseCommit: OLD, baseTree: OLD },
          archived: false,
          owner: 'sam',
          host: null,
        }),
        async get() {
          asked.push('planned');
          throw new Error('far enough');
        },
      },
      log: { find: async () => undefined, findAll: unused, read: unused, append: unused, follow: unused },
      hold: unused,
      repo: {
        latestCommit: async () => NEW,
        fetchCommit: async () => {},
        prepareBase: unused,
        settleBase: unused,
        changedFiles: unused,
        merge: unused,
        compose: unused,
      },
      mayReadFiles: () => false,
      takesToken: () => false,
      async haveLeft(taskId) {
        assert.equal(taskId, 't');
        asked.push('looked');
        return looks.shift() ?? unused();
      },
    });
    await assert.rejects(updates.update('t', { clientId: 'c' }, undefined), /far enough/);
    assert.deepEqual(asked, ['looked', 'looked', 'looked', 'planned']);
  });
});
