import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { listen, type Notices } from '../../../server/engine/notices.ts';
import { compactTask, tasksToCompact } from '../../../server/housekeeping/compact.ts';
import { type NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import { createEventLog, type EventLog, type KeyedEvent, readAll } from '../../../server/tasks/event-log.ts';
import { type OwnDatabase, openOwnDatabase } from './own-database.ts';
import { created, stories, told } from './stories.ts';

const EVER = Number.MAX_SAFE_INTEGER;

describe('compaction of a task’s log', function () {
  this.timeout(120_000);
  let own: OwnDatabase;
  let notices: Notices;
  let log: EventLog;
  let now = 1000;

  before(async () => {
    own = await openOwnDatabase();
    notices = await listen(own.url);
    log = createEventLog(own.database, notices, () => now++);
  });
  after(async () => {
    await notices.close();
    await own.close();
  });

  /** A task with these turns, all of which have ended. */
  async function task(...turns: ((turnId: string) => KeyedEvent[])[]): Promise<string> {
    const taskId = randomUUID();
    await own.pool.query(
      `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay) VALUES ($1, $1, 1, 1, '{}', '[]')`,
      [taskId],
    );
    await log.append(taskId, null, [created(taskId)]);
    for (const turn of turns) {
      const turnId = randomUUID();
      await own.pool.query(
        `INSERT INTO handoff.turns (turn_id, task_id, created_at, state) VALUES ($1, $2, 1, 'ended')`,
        [turnId, taskId],
      );
      await log.append(taskId, null, turn(turnId));
    }
    return taskId;
  }
  const rows = async (taskId: string): Promise<{ rows: number; bytes: number }> => {
    const { rows } = await own.pool.query(
      'SELECT count(*)::integer AS rows, sum(length(body::text))::integer AS bytes FROM handoff.events WHERE task_id = $1',
      [taskId],
    );
    return rows[0];
  };

  it('changes nothing of what any reader ends with, whatever it had read before', () =>
    fc.assert(
      fc.asyncProperty(stories, async (lived) => {
        const taskId = await task(...lived.map((story) => (turnId: string) => told(story, turnId)));
        const full = await readAll(log, taskId);
        await compactTask(own.database, taskId, EVER);
        const compacted = await readAll(log, taskId);
        for (const event of compacted) TaskEvent.parse(event);

        let before = emptyTask(taskId);
        const whole = full.reduce(reduce, before);
        for (const event of [undefined, ...full]) {
          if (event) before = reduce(before, event);
          const rest = compacted.filter(({ seq }) => seq > before.seq);
          assert.deepEqual(rest.reduce(reduce, before), whole, `read on from ${before.seq}`);
        }
        assert.equal(await compactTask(own.database, taskId, EVER), 0, 'there is nothing left to do');
      }),
      { numRuns: 60 },
    ));

  it('makes ten thousand events of talk and output a few dozen', async () => {
    const turn = (turnId: string): KeyedEvent[] =>
      told(
        {
          answers: Array.from({ length: 20 }, () => ({
            attempts: [],
            pieces: 400,
            isSilent: false,
            calls: [{ prints: 100 }],
          })),
          cutOff: 'nothing',
        },
        turnId,
      );
    const taskId = await task(turn);
    assert.equal((await rows(taskId)).rows, 3 + 20 * 504);
    const removed = await compactTask(own.database, taskId, EVER);
    const { rows: left, bytes } = await rows(taskId);
    // Of each answer: called, the pieces as one, answered, started, the output as one, finished.
    assert.deepEqual({ removed, left }, { removed: 20 * 498, left: 3 + 20 * 6 });
    assert.ok(bytes < 30_000, `${bytes} bytes`);
  });

  it('puts one marker for each run of neighbours, and leaves what has no whole', async () => {
    const taskId = await task((turnId) =>
      told({ answers: [{ attempts: [], pieces: 3, isSilent: false, calls: [] }], cutOff: 'output' }, turnId),
    );
    await compactTask(own.database, taskId, EVER);
    const seen = (await readAll(log, taskId)).map((event) =>
      event.type === 'log.compacted' ? `${event.first} to ${event.seq}` : `${event.seq} ${event.type}`,
    );
    assert.deepEqual(seen, [
      '1 task.created',
      '2 turn.started',
      '3 model.called',
      '4 to 6',
      '7 model.answered',
      '8 tool.started',
      '9 tool.output',
      '10 tool.output',
      '11 turn.ended',
    ]);
  });

  it('leaves alone what ended lately, and what goes on', async () => {
    now = 50_000;
    const answered = { answers: [{ attempts: [], pieces: 3, isSilent: false, calls: [] }] };
    const ended = await task((turnId) => told({ ...answered, cutOff: 'nothing' }, turnId));
    const running = await task((turnId) => told({ ...answered, cutOff: 'nothing' }, turnId).slice(0, -1));
    assert.deepEqual(
      [await compactTask(own.database, ended, 50_000), await compactTask(own.database, running, EVER)],
      [0, 0],
    );
    assert.deepEqual(await tasksToCompact(own.database, 50_000, 10), []);
    assert.deepEqual(await tasksToCompact(own.database, 60_000, 10), [ended]);
    assert.equal(await compactTask(own.database, ended, 60_000), 2);
    assert.deepEqual(await tasksToCompact(own.database, 60_000, 10), []);
  });

  it('wakes a follower that is in the middle of it by no gap', async () => {
    const taskId = await task((turnId) =>
      told({ answers: [{ attempts: [], pieces: 5, isSilent: false, calls: [] }], cutOff: 'nothing' }, turnId),
    );
    const [, , , , fifth] = await readAll(log, taskId);
    await compactTask(own.database, taskId, EVER);
    const end = new AbortController();
    for await (const events of log.follow(taskId, fifth?.seq ?? 0, end.signal)) {
      const seen = events.map((event): [number, NewEvent['type']] => [event.seq, event.type]);
      assert.deepEqual(seen, [
        [8, 'log.compacted'],
        [9, 'model.answered'],
        [10, 'turn.ended'],
      ]);
      end.abort();
    }
  });
});
