import assert from 'node:assert/strict';
import { createTaskStore, type TaskChange, type TaskStore } from '../../../extension/relay/task-store.ts';
import { createRelayClient } from '../../../server/protocol/client.ts';
import { ended, type RelayDouble, running, said, silent, startRelayDouble } from './relay-double.ts';

describe('the task store', () => {
  let relay: RelayDouble;
  let store: TaskStore;
  let lost: number;

  const client = async () => createRelayClient({ url: relay.url, token: relay.token, maxBackoffMs: 1 });

  beforeEach(async () => {
    lost = 0;
    relay = await startRelayDouble();
    store = createTaskStore({ client, onLost: () => (lost += 1), log: silent, batchMs: 5 });
  });
  afterEach(async () => {
    store.dispose();
    await relay.close();
  });

  /** Collects what is passed on until the store knows the task up to `seq`. */
  function changesUpTo(taskId: string, seq: number): Promise<TaskChange[]> {
    const changes: TaskChange[] = [];
    return new Promise((resolve) => {
      const collect = (change: TaskChange) => {
        if (change.taskId !== taskId) return;
        changes.push(change);
        if (change.state.seq < seq) return;
        store.events.off('change', collect);
        resolve(changes);
      };
      store.events.on('change', collect);
    });
  }
  const seqs = (changes: TaskChange[]) => changes.flatMap(({ events }) => events.map(({ seq }) => seq));

  it('lists the tasks, and follows those that run', async () => {
    relay.append('done', ...running('done'), ended('done'));
    relay.append('runs', ...running('runs'));
    const tasks = await store.refresh();
    assert.deepEqual(
      tasks.map(({ taskId, status }) => [taskId, status]),
      [
        ['done', 'completed'],
        ['runs', 'running'],
      ],
    );
    assert.deepEqual([store.state('done'), store.state('runs')?.status], [undefined, 'running']);

    const changed = changesUpTo('runs', 4);
    relay.append('runs', said('runs', 'Hello'), ended('runs'));
    await changed;
    assert.equal(store.tasks().find(({ taskId }) => taskId === 'runs')?.status, 'completed');
  });

  it('follows those that wait or ask, for they go on without being asked to', async () => {
    const reason = { code: 'no_slot' as const, message: 'Others are first.' };
    relay.append('waits', ...running('waits'), { type: 'turn.waiting', turnId: 'waits-turn', reason });
    relay.append('asks', ...running('asks'), { type: 'turn.parked', turnId: 'asks-turn' });
    await store.refresh();
    assert.deepEqual(
      ['waits', 'asks'].map((taskId) => store.state(taskId)?.status),
      ['waiting', 'asking'],
    );
  });

  it('lets a task go that has ended, unless it is the pinned one', async () => {
    for (const taskId of ['a', 'b']) relay.append(taskId, ...running(taskId));
    await store.refresh();
    await store.pin('b');
    const both = Promise.all([changesUpTo('a', 3), changesUpTo('b', 3)]);
    for (const taskId of ['a', 'b']) relay.append(taskId, ended(taskId));
    await both;
    assert.deepEqual([store.state('a'), store.state('b')?.status], [undefined, 'completed']);
    store.unpin();
    assert.equal(store.state('b'), undefined);
  });

  it('passes on what came in batches that add up to the state', async () => {
    relay.append('t', ...running('t'));
    const before = await store.pin('t');
    const changed = changesUpTo('t', 102);
    relay.append('t', ...Array.from({ length: 100 }, (_, index) => said('t', `${index} `)));
    const changes = await changed;
    assert.deepEqual(
      seqs(changes),
      Array.from({ length: 100 }, (_, index) => before.seq + 1 + index),
    );
    assert.ok(changes.length < 50, `${changes.length} batches`);
    assert.deepEqual(store.state('t'), relay.stateOf('t'));
  });

  it('loses and repeats nothing over cuts, repetitions and gaps', async () => {
    relay.setMangle((events, connection) => {
      if (connection % 3 === 0) return [...events, ...events];
      if (connection % 3 === 1) return events.filter((_, index) => index !== 1);
      return events.slice(0, 2);
    });
    relay.append('t', ...running('t'));
    await store.pin('t');
    const changed = changesUpTo('t', 22);
    for (let index = 0; index < 20; index++) {
      relay.append('t', said('t', `${index} `));
      if (index % 4 === 0) relay.cut();
    }
    const breaker = setInterval(() => relay.cut(), 20);
    const changes = await changed.finally(() => clearInterval(breaker));
    assert.deepEqual(
      seqs(changes),
      Array.from({ length: 20 }, (_, index) => index + 3),
    );
    assert.deepEqual(store.state('t'), relay.stateOf('t'));
    assert.ok(lost > 0);
  });

  it('reads everything again where the relay comes back at another address', async () => {
    relay.append('t', ...running('t'));
    await store.pin('t');
    const before = relay;
    relay = await startRelayDouble();
    relay.append('t', ...running('t'), said('t', 'while away'));
    relay.append('new', ...running('new'));
    await before.close();
    await store.restart();
    assert.deepEqual(store.state('t'), relay.stateOf('t'));
    assert.deepEqual(
      store
        .tasks()
        .map(({ taskId }) => taskId)
        .sort(),
      ['new', 't'],
    );
    const changed = changesUpTo('t', 4);
    relay.append('t', said('t', 'and on'));
    assert.deepEqual(seqs(await changed), [4]);
  });

  it('asks once for a task that two want at the same time', async () => {
    relay.append('t', ...running('t'));
    await Promise.all([store.pin('t'), store.pin('t'), store.refresh()]);
    assert.equal(relay.requests.filter((request) => request === 'GET /v1/tasks/t').length, 1);
  });

  it('rejects a task that the relay does not have', async () => {
    await assert.rejects(store.pin('nowhere'), { code: 'not_found' });
  });
});
