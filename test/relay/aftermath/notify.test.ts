import assert from 'node:assert/strict';
import { openRoom, type Room } from './room.ts';

describe('word of a turn’s end', function () {
  this.timeout(60_000);
  let room: Room;
  afterEach(() => room.close());

  it('comes once a turn', async () => {
    room = await openRoom([{ steps: [{ text: 'One.' }, { text: 'Two.' }] }]);
    const taskId = await room.delegate('Speak');
    await room.receiver.count(1);
    const second = await room.say(taskId, 'Again');
    await room.receiver.count(2);
    // A relay that ends before it has noted that it was heard says it again.
    while (!(await room.client.aftermath(taskId, second)).isOver);
    await room.kill('SIGTERM');
    await room.start();
    await room.say(taskId, 'And again');
    const told = await room.receiver.count(3);
    assert.equal(new Set(told.map(({ headers }) => headers.key)).size, told.length);
    const { turns } = await room.client.getTask(taskId);
    assert.deepEqual(
      told.map(({ headers, body }) => [headers.key, body?.outcome]),
      turns.map(({ turnId }) => [turnId, 'completed']),
    );
  });

  it('comes again under the same key where the relay was killed before it knew that it was heard', async () => {
    room = await openRoom([{ steps: [{ text: 'One.' }] }]);
    room.receiver.hold(true);
    await room.delegate('Speak');
    await room.receiver.count(1);
    await room.kill();
    room.receiver.hold(false);
    await room.start();
    const told = await room.receiver.count(2);
    assert.deepEqual(told[1], told[0]);
    assert.ok(!room.log().includes('secret-path'), 'its address is nobody’s business');
  });

  it('holds nothing up where nobody listens', async () => {
    room = await openRoom([{ steps: [{ text: 'One.' }, { text: 'Two.' }] }], {
      HANDOFF_NOTIFY_URL: 'http://127.0.0.1:9/hooks/secret-path',
      HANDOFF_IDLE_MINUTES: '0.01',
    });
    const taskId = await room.delegate('Speak');
    const watched = room.watch(taskId);
    await watched.until('turn.ended');
    const second = await room.say(taskId, 'Again');
    await watched.until('turn.ended', ({ turnId }) => turnId === second);
    await watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    assert.match(room.log(), /nobody could be told of a turn’s end/);
    assert.ok(!room.log().includes('secret-path'), 'its address is nobody’s business');
  });
});
