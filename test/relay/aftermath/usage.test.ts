import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRelayClient, RelayError } from '../../../server/protocol/client.ts';
import { call, openRoom, type Room } from './room.ts';

const FRIEND = 'the-token-of-a-friend';

describe('the book of usage', function () {
  this.timeout(60_000);
  let room: Room;
  afterEach(() => room.close());

  it('has each model call once, however often the relay died; and each person sees their own', async () => {
    room = await openRoom(
      [
        {
          steps: [call('bash', { command: 'echo one' }), { text: 'First.' }, { text: 'Second.' }],
          otherwise: { text: 'More.' },
        },
      ],
      {
        HANDOFF_USERS: JSON.stringify({ friend: FRIEND }),
        HANDOFF_FILE_SOURCES: 'all',
        HANDOFF_MODEL_PRICE: '{"input": 2, "output": 10, "cachedInput": 0.5}',
      },
    );
    const taskId = await room.delegate('Count');
    const watched = room.watch(taskId);
    await watched.until('tool.finished');
    await room.kill();
    await room.start();
    const first = await watched.until('turn.ended');
    await room.kill();
    await room.start();
    await room.receiver.of(first.turnId);
    const second = await room.say(taskId, 'Again');
    const last = await watched.until('turn.ended', ({ turnId }) => turnId === second);
    await room.receiver.of(second);

    const answered = (await watched.caughtUp()).filter((event) => event.type === 'model.answered');
    const sum = (key: 'inputTokens' | 'outputTokens' | 'cachedInputTokens' | 'costMicros', from = 0) =>
      answered.slice(from).reduce((total, { usage }) => total + (usage[key] ?? 0), 0);
    const sums = (from = 0) => ({
      calls: answered.length - from,
      inputTokens: sum('inputTokens', from),
      outputTokens: sum('outputTokens', from),
      cachedInputTokens: sum('cachedInputTokens', from),
      costMicros: sum('costMicros', from),
      unpriced: 0,
    });
    assert.ok(sum('inputTokens') > 0 && sum('outputTokens') > 0 && sum('costMicros') > 0);
    const report = await room.client.usage();
    const day = new Date(first.at).toISOString().slice(0, 10);
    assert.deepEqual(report, {
      since: 0,
      total: sums(),
      models: [{ model: 'fake-model', turns: 2, ...sums() }],
      tasks: [{ taskId, ...sums() }],
      roles: [{ role: 'lead', ...sums() }],
      days: [{ day, ...sums() }],
      caps: [],
    });
    assert.deepEqual(
      [(first.usage.costMicros ?? 0) + (last.usage.costMicros ?? 0), answered.length],
      [report.total.costMicros, 3],
    );
    const since = answered.at(-1)?.at ?? 0;
    const later = await room.client.usage(since);
    assert.deepEqual([later.since, later.total], [since, sums(2)]);

    const friend = createRelayClient({ url: room.url, token: FRIEND });
    assert.deepEqual((await friend.usage()).total, {
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
      cachedInputTokens: 0,
      costMicros: 0,
      unpriced: 0,
    });
    await assert.rejects(
      createRelayClient({ url: room.url, token: randomUUID() }).usage(),
      (error) => error instanceof RelayError && error.code === 'unauthorized',
    );
  });
});
