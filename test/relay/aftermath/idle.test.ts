import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { call, openRoom, type Room, written } from './room.ts';

/** 600 ms: what a test may wait for. */
const SOON = { HANDOFF_IDLE_MINUTES: '0.01' };

describe('an idle sandbox', function () {
  this.timeout(60_000);
  let room: Room;
  afterEach(() => room.close());

  it('hibernates, and is woken by the next message, with its files', async () => {
    const serve = '(while :; do date +%s%N > ~/tick; sleep 0.02; done) &>/dev/null &';
    room = await openRoom(
      [
        {
          steps: [
            call('bash', { command: `echo kept > kept.md; ${serve}` }),
            { text: 'Done.' },
            call('bash', { command: 'cat kept.md; echo more >> kept.md' }),
            { text: 'Done again.' },
          ],
        },
      ],
      SOON,
    );
    const taskId = await room.delegate('Write');
    const watched = room.watch(taskId);
    const { turnId } = await watched.until('turn.ended');
    const asleep = await watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    assert.equal((await room.client.getTask(taskId)).sandbox?.state, 'hibernated');
    assert.match(room.log(), /sandbox \S+ hibernated/);
    assert.deepEqual(
      (await room.client.changes(taskId)).files.map(({ path }) => path),
      ['kept.md'],
      'the proposal can be read meanwhile',
    );

    const second = await room.say(taskId, 'More');
    assert.notEqual(second, turnId);
    const ended = await watched.until('turn.ended', (event) => event.turnId === second);
    assert.equal(ended.outcome, 'completed');
    const read = await watched.until('tool.finished', (event) => event.turnId === second);
    assert.equal(read.output, 'kept');
    assert.equal(await readFile(join(await room.workspace(), 'kept.md'), 'utf8'), 'kept\nmore\n');
    await watched.until('sandbox.changed', ({ state, seq }) => state === 'hibernated' && seq > asleep.seq);
    const states = watched.events.flatMap((event) => (event.type === 'sandbox.changed' ? [event.state] : []));
    assert.deepEqual(states.slice(-7), [
      ...['running', 'hibernating', 'hibernated'],
      ...['resuming', 'running', 'hibernating', 'hibernated'],
    ]);
  });

  it('hibernates while its turn waits for an answer, which then continues it', async () => {
    room = await openRoom(
      [
        {
          steps: [
            call('bash', { command: 'echo kept > kept.md' }),
            call('ask_user', { question: 'Which?', options: [{ label: 'This' }] }),
            call('bash', { command: 'cat kept.md' }),
            { text: 'Done.' },
          ],
        },
      ],
      SOON,
    );
    const taskId = await room.delegate('Ask');
    const watched = room.watch(taskId);
    const { questionId } = await watched.until('question.asked');
    await watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    assert.equal((await room.client.getTask(taskId)).status, 'asking');
    await room.client.answer(taskId, { questionId, answer: { kind: 'choice', label: 'This' } });
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const outputs = watched.events.flatMap((event) => (event.type === 'tool.finished' ? [event.output] : []));
    assert.deepEqual(outputs, ['[no output, exit code 0]', 'The person chose: This', 'kept']);
  });

  it('is woken to keep what is in it when a parked turn is stopped, and hibernates again', async () => {
    const late = '(until [ -e ~/parked ]; do sleep 0.02; done; echo late > late.md) &>/dev/null &';
    room = await openRoom(
      [{ steps: [call('bash', { command: late }), call('ask_user', { question: 'Which?' })] }],
      // Longer than it takes to write a file.
      { HANDOFF_IDLE_MINUTES: '0.04' },
    );
    const taskId = await room.delegate('Ask');
    const watched = room.watch(taskId);
    await watched.until('turn.parked');
    await writeFile(join(await room.home(), 'parked'), '');
    await written(join(await room.workspace(), 'late.md'));
    const asleep = await watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    await room.client.stop(taskId);
    await watched.until('sandbox.changed', ({ state, seq }) => state === 'hibernated' && seq > asleep.seq);
    assert.deepEqual(
      (await room.client.changes(taskId)).files.map(({ path }) => path),
      ['late.md'],
    );
    const states = watched.events.flatMap((event) => (event.type === 'sandbox.changed' ? [event.state] : []));
    assert.deepEqual(states.slice(-5), ['hibernated', 'resuming', 'running', 'hibernating', 'hibernated']);
  });

  it('hibernates with nobody watching, after its relay was killed and another one started', async () => {
    room = await openRoom([{ steps: [{ text: 'One.' }] }], { HANDOFF_IDLE_MINUTES: '0.05' });
    const taskId = await room.delegate('Speak');
    await room.receiver.count(1);
    await room.kill();
    await room.start();
    await room.watch(taskId).until('sandbox.changed', ({ state }) => state === 'hibernated');
  });

  it('does not hibernate while a check runs in it', async () => {
    const content = JSON.stringify({ checks: [{ name: 'slow', command: 'sleep 3; echo awake' }] });
    room = await openRoom(
      [{ steps: [call('write', { path: '.handoff/config.json', content }), { text: 'Done.' }] }],
      SOON,
    );
    const taskId = await room.delegate('Check');
    const watched = room.watch(taskId);
    await watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    assert.deepEqual(await room.checks(taskId), [
      { name: 'slow', command: 'sleep 3; echo awake', outcome: 'passed', output: 'awake' },
    ]);
  });
});
