import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { withDatabase } from './database.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const call = (name: string, args: Record<string, unknown>) => ({ toolCalls: [{ name, arguments: args }] });
const GATE = 'while [ ! -e gate ]; do sleep 0.02; done';
const turnIds = (events: TaskEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'turn.started' ? [event.turnId] : []));

describe('a turn in adversity', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  const open = async (scenario: Scenario) => {
    workshop = await openWorkshop(scenario);
  };
  afterEach(() => workshop.close());

  it('survives every character that a command may print', async () => {
    await open([
      {
        steps: [
          call('bash', { command: `printf 'a\\0b'` }),
          call('write', { path: 'long.txt', content: `${'x'.repeat(1999)}\u{1f600}` }),
          call('read', { path: 'long.txt' }),
          call('bash', { command: `printf '\\xff\\xfe'` }),
          { text: 'All read.' },
        ],
      },
    ]);
    const watched = workshop.watch(await workshop.delegate(`${'x'.repeat(78)}\u{1f600}\u{1f600}`));
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const outputs = watched.events.flatMap((event) => (event.type === 'tool.finished' ? [event.output] : []));
    assert.deepEqual(outputs, [
      'a\0b',
      'Wrote long.txt: 1 lines, 2003 bytes.',
      `1: ${'x'.repeat(1999)}\ufffd [1 more characters in this line; column 2001 shows them]`,
      '\ufffd\ufffd',
    ]);
  });

  it('goes on when its database was killed and came back', async () => {
    await open([
      { steps: [call('bash', { command: `echo before; ${GATE}; echo after` }), { text: 'Done.' }] },
    ]);
    const taskId = await workshop.delegate('Wait');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output');
    // Postgres itself ends all its connections when one of its processes is killed, and starts anew.
    const [postmaster] = (await readFile(join(workshop.data, 'postgres', 'postmaster.pid'), 'utf8')).split(
      '\n',
    );
    process.kill(await childOf(Number(postmaster)), 'SIGKILL');
    const queued = await workshop.client.sendMessage(taskId, {
      clientId: randomUUID(),
      text: 'Still there?',
    });
    assert.equal(queued.disposition, 'queued', 'a message is taken while the database comes back');
    await workshop.openGate();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.equal((await watched.until('tool.finished')).output, 'before\nafter');
    assert.equal(workshop.model.requests.length, 2);
  });

  it('is stopped while it is being prepared', async () => {
    await open([{ steps: [{ text: 'Never said.' }] }]);
    const taskId = await workshop.delegate('Stop me');
    await workshop.client.stop(taskId);
    const ended = await workshop.watch(taskId).until('turn.ended');
    assert.deepEqual([ended.outcome, ended.error], ['stopped', undefined]);
    assert.equal(workshop.model.requests.length, 0);
  });

  it('leaves a message that it did not read for the next turn, in the order they were sent', async () => {
    await open([
      { steps: [call('bash', { command: `echo begun; ${GATE}` }), { text: 'Second.' }, { text: 'Third.' }] },
    ]);
    const taskId = await workshop.delegate('First');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output');
    const old = { clientId: 'client-old', text: 'Old' };
    assert.equal((await workshop.client.sendMessage(taskId, old)).disposition, 'queued');
    await workshop.client.stop(taskId);
    await watched.until('turn.ended');

    // Sending it again is how a client asks for it; with the new one behind it.
    const again = await workshop.client.sendMessage(taskId, old);
    assert.equal(again.disposition, 'started');
    const second = await watched.until('turn.ended', ({ turnId }) => turnId === again.turnId);
    assert.equal(second.outcome, 'completed');
    const third = await workshop.client.sendMessage(taskId, { clientId: 'client-new', text: 'New' });
    await watched.until('turn.ended', ({ turnId }) => turnId === third.turnId);
    assert.equal(turnIds(watched.events).length, 3);
    const asked = workshop.model.requests.map(({ messages }) =>
      messages.filter(({ role }) => role === 'user').map(({ content }) => content),
    );
    assert.deepEqual(asked, [['First'], ['First', 'Old'], ['First', 'Old', 'New']]);
  });

  it('is ended with a clear word where a newer version of the relay wrote its record, and can be gone on with', async () => {
    await open([{ steps: [call('bash', { command: `echo begun; ${GATE}` }), { text: 'On we go.' }] }]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    const { turnId } = await watched.until('tool.output');
    await workshop.kill();
    // As if the relay that was killed had been a newer one: Postgres outlives it.
    await withDatabase(workshop.data, (client) =>
      client.query('UPDATE handoff.turns SET format = 1000 WHERE turn_id = $1', [turnId]),
    );
    await workshop.start();
    const ended = await watched.until('turn.ended');
    assert.deepEqual([ended.turnId, ended.outcome, ended.error?.code], [turnId, 'failed', 'interrupted']);
    const next = await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Go on' });
    assert.equal(
      (await watched.until('turn.ended', (event) => event.turnId === next.turnId)).outcome,
      'completed',
    );
  });

  it('leaves nothing running: the proposal is what is there, and stays so', async () => {
    await open([
      {
        steps: [
          call('bash', {
            command: '(while :; do date +%s%N > ticking; sleep 0.02; done) > /dev/null 2>&1 &',
          }),
          { text: 'It ticks.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Tick');
    await workshop.watch(taskId).until('turn.ended');
    const { files } = await workshop.client.changes(taskId);
    const proposed = await workshop.client.blob(
      taskId,
      files.find(({ path }) => path === 'ticking')?.newOid ?? '',
    );
    assert.equal(
      await readFile(join(await workshop.workspace(), 'ticking'), 'utf8'),
      Buffer.from(proposed).toString(),
    );
  });

  it('is not archived under its feet: of archive and send at once, one is refused', async () => {
    await open([{ steps: [{ text: 'One.' }], otherwise: { text: 'More.' } }]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('turn.ended');
    const [archived, sent] = await Promise.allSettled([
      workshop.client.archive(taskId),
      workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'More' }),
    ]);
    assert.notEqual(archived.status, sent.status);
    if (sent.status === 'fulfilled') {
      const { turnId } = sent.value;
      assert.equal(
        (await watched.until('turn.ended', (event) => event.turnId === turnId)).outcome,
        'completed',
      );
    } else assert.equal((await workshop.client.getTask(taskId)).status, 'archived');
  });
});

/** A process of Postgres that serves a connection. */
async function childOf(postmaster: number): Promise<number> {
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
  for (const pid of children.trim().split(' ').map(Number)) {
    const title = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (title.includes('handoff handoff 127.0.0.1')) return pid;
  }
  throw new Error('Postgres serves no connection');
}
