import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRelayClient, RelayError } from '../../../server/protocol/client.ts';
import { call, openRoom, type Room } from './room.ts';

const FRIEND = 'the-token-of-a-friend';

describe('the book of usage', function () {
  this.timeout(60_000);
  let room: Room;
  afterEach(() => room.close());

  it('has each turn once, however often the relay died; and each person sees their own', async () => {
    room = await openRoom(
      [
        {
          steps: [call('bash', { command: 'echo one' }), { text: 'First.' }, { text: 'Second.' }],
          otherwise: { text: 'More.' },
        },
      ],
      { HANDOFF_USERS: JSON.stringify({ friend: FRIEND }), HANDOFF_FILE_SOURCES: 'all' },
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

    const sum = (key: 'inputTokens' | 'outputTokens' | 'cachedInputTokens') =>
      (first.usage[key] ?? 0) + (last.usage[key] ?? 0);
    assert.ok(sum('inputTokens') > 0 && sum('outputTokens') > 0);
    assert.deepEqual(await room.client.usage(), {
      since: 0,
      models: [
        {
          model: 'fake-model',
          turns: 2,
          inputTokens: sum('inputTokens'),
          outputTokens: sum('outputTokens'),
          cachedInputTokens: sum('cachedInputTokens'),
        },
      ],
    });
    const since = last.at;
    const later = await room.client.usage(since);
    assert.deepEqual([later.since, later.models.map(({ turns }) => turns)], [since, [1]]);

    const friend = createRelayClient({ url: room.url, token: FRIEND });
    assert.deepEqual(await friend.usage(), { since: 0, models: [] });
    await assert.rejects(
      createRelayClient({ url: room.url, token: randomUUID() }).usage(),
      (error) => error instanceof RelayError && error.code === 'unauthorized',
    );
  });
});
