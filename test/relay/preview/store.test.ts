import assert from 'node:assert/strict';
import { createPreviewStore } from '../../../server/preview/postgres-store.ts';
import type { Link, PreviewStore } from '../../../server/preview/store.ts';
import { createMemoryStore } from '../../fakes/preview-store.ts';
import { type OwnDatabase, openOwnDatabase } from '../record/own-database.ts';

const DAY = 24 * 3_600_000;
const NOW = 1_800_000_000_000;

let counter = 0;
function link(more: Partial<Link> = {}): Link {
  counter += 1;
  return {
    previewId: `preview-${counter}`,
    taskId: 'task-1',
    port: 3_000,
    createdAt: NOW + counter,
    expiresAt: NOW + DAY,
    keyHash: `key-${counter}`,
    cookieHash: null,
    isRevoked: false,
    ...more,
  };
}

describe('links to previews', function () {
  this.timeout(60_000);
  let own: OwnDatabase;
  before(async () => {
    own = await openOwnDatabase();
    for (const taskId of ['task-1', 'task-2', 'archived'])
      await own.pool.query(
        `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, archived)
         VALUES ($1, $1, 0, 0, '{}', '[]', $1 = 'archived')`,
        [taskId],
      );
  });
  after(() => own.close());
  beforeEach(() => own.pool.query('DELETE FROM handoff.previews'));

  const stores: Array<[name: string, make: () => PreviewStore]> = [
    ['in memory', createMemoryStore],
    ['in Postgres', () => createPreviewStore(own.database)],
  ];
  for (const [name, make] of stores) {
    describe(name, () => {
      let store: PreviewStore;
      beforeEach(() => {
        store = make();
      });

      it('are found as they were added, however often', async () => {
        const added = link();
        await store.add(added);
        await store.add(added);
        assert.deepEqual(
          [await store.find(added.previewId), await store.find('none'), await store.ofTask('task-1', NOW)],
          [added, undefined, [added]],
        );
      });

      it('are listed by task, newest first, while they are open', async () => {
        const [first, second] = [link(), link()];
        const revoked = link();
        for (const one of [first, second, revoked, link({ taskId: 'task-2' }), link({ expiresAt: NOW })])
          await store.add(one);
        await store.revoke('task-1', revoked.previewId);
        assert.deepEqual(await store.ofTask('task-1', NOW), [second, first]);
      });

      it('are claimed by one browser, which may ask again', async () => {
        const { previewId } = link();
        await store.add(link({ previewId }));
        assert.deepEqual(
          [
            await store.claim(previewId, 'one'),
            await store.claim(previewId, 'two'),
            await store.claim(previewId, 'one'),
            await store.claim('none', 'one'),
            (await store.find(previewId))?.cookieHash,
          ],
          [true, false, true, false, 'one'],
        );
      });

      it('are revoked by their own task, for good', async () => {
        const added = link();
        await store.add(added);
        assert.deepEqual(
          [
            await store.revoke('task-2', added.previewId),
            (await store.find(added.previewId))?.isRevoked,
            await store.revoke('task-1', added.previewId),
            await store.revoke('task-1', added.previewId),
            (await store.find(added.previewId))?.isRevoked,
          ],
          [false, false, true, true, true],
        );
      });

      it('are said to be open while any is', async () => {
        const added = link();
        const before = await store.hasOpen(NOW);
        await store.add(added);
        const open = [await store.hasOpen(NOW), await store.hasOpen(NOW + DAY)];
        await store.revoke('task-1', added.previewId);
        assert.deepEqual([before, ...open, await store.hasOpen(NOW)], [false, true, false, false]);
      });
    });
  }

  it('are revoked by archiving their task', async () => {
    const store = createPreviewStore(own.database);
    const added = link({ taskId: 'archived' });
    await store.add(added);
    assert.deepEqual(
      [await store.find(added.previewId), await store.ofTask('archived', NOW)],
      [{ ...added, isRevoked: true }, []],
    );
  });

  it('are forgotten a week after their end', async () => {
    const store = createPreviewStore(own.database);
    const [old, young] = [link({ expiresAt: NOW - 8 * DAY }), link({ expiresAt: NOW - 6 * DAY })];
    for (const one of [old, young]) await store.add(one);
    await store.add(link());
    assert.deepEqual(
      [await store.find(old.previewId), (await store.find(young.previewId))?.previewId],
      [undefined, young.previewId],
    );
  });
});
