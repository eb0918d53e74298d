import assert from 'node:assert/strict';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { createTaskStates } from '../../../server/tasks/task-states.ts';

const created = (title: string, at: number): TaskEvent => ({
  type: 'task.created',
  seq: 1,
  at,
  taskId: 't',
  title,
  source: { repository: 'r', commit: 'a'.repeat(40), overlayFiles: 0 },
});
const queued = (seq: number, at: number): TaskEvent => ({
  type: 'message.queued',
  seq,
  at,
  messageId: `m${seq}`,
  text: '',
});
const compacted = (first: number, seq: number, at: number): TaskEvent => ({
  type: 'log.compacted',
  seq,
  at,
  first,
});

describe('a task that was removed and imported again, to a relay that did neither', () => {
  /** States over a log that changes under them; `seen` has what each look was answered from the log. */
  const over = (events: TaskEvent[]) => {
    const log = { events, seen: [] as number[][] };
    const unused = (): never => assert.fail('only read');
    const states = createTaskStates({
      async read(_taskId, after, limit = 1000) {
        const page = log.events.filter(({ seq }) => seq > after).slice(0, limit);
        log.seen.push(page.map(({ seq }) => seq));
        return page;
      },
      append: unused,
      find: unused,
      findAll: unused,
      follow: unused,
    });
    const look = async () => {
      const { title, seq, queue } = await states.current('t');
      return [title, seq, queue.map(({ messageId }) => messageId)];
    };
    return { log, look };
  };

  it('is shown as it is now, whether its log is shorter, as long or longer', async () => {
    for (const length of [1, 2, 3]) {
      const { log, look } = over([created('Before', 1), queued(2, 2)]);
      assert.deepEqual(await look(), ['Before', 2, ['m2']]);
      log.events = [created('Now', 8), queued(2, 9), queued(3, 10)].slice(0, length);
      assert.deepEqual(await look(), ['Now', length, ['m2', 'm3'].slice(0, length - 1)]);
    }
  });
  it('is not read anew where nothing happened to it', async () => {
    const { log, look } = over([created('Same', 1), queued(2, 2)]);
    await look();
    log.events.push(queued(3, 3));
    assert.deepEqual(await look(), ['Same', 3, ['m2', 'm3']]);
    assert.deepEqual(await look(), ['Same', 3, ['m2', 'm3']]);
    assert.deepEqual(log.seen, [[1, 2], [2, 3], [3]]);
  });
  it('is as before where its last known event was taken out of the log with later ones', async () => {
    const { log, look } = over([created('Same', 1), queued(2, 2), compacted(3, 3, 3)]);
    assert.deepEqual(await look(), ['Same', 3, ['m2']]);
    log.events = [created('Same', 1), queued(2, 2), compacted(3, 5, 5)];
    assert.deepEqual(await look(), ['Same', 5, ['m2']]);
  });
});
