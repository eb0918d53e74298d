import assert from 'node:assert/strict';
import { readFile, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/**
 * What must be the same whether or not the relay was killed, as lines. Not times and numbers, the pieces in which text was
 * shown, and which attempt it was; nor the order, because calls that run in parallel have none.
 */
function essence(events: TaskEvent[], names: Record<string, string>): string[] {
  const shown = new Set(['text.delta', 'model.called', 'sandbox.changed']);
  const varying = new Set(['seq', 'at', 'durationMs', 'attempt']);
  const lines = events
    .filter(({ type }) => !shown.has(type))
    .map((event) => JSON.stringify(event, (key, value: unknown) => (varying.has(key) ? undefined : value)));
  const named = (line: string): string =>
    Object.entries(names).reduce((text, [name, id]) => text.replaceAll(id, name), line);
  return lines.map(named).sort();
}

const GATE = 'while [ ! -e gate ]; do sleep 0.02; done';

describe('a relay killed in the middle of a turn', function () {
  // Seven turns, and as many starts of a relay, are 20 s on a machine with nothing else to do, and 50 s beside the other stage.
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('goes on by itself: a running command is attached to, ran once, and every event comes once and in order', async () => {
    const command = `echo once >> effects; echo before; ${GATE}; echo after`;
    workshop = await openWorkshop([
      {
        steps: [
          { text: 'I run it.', toolCalls: [{ name: 'bash', arguments: { command } }] },
          { text: 'Done.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Run it');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output', ({ text }) => text.includes('before'));

    await workshop.kill();
    await workshop.start();
    await workshop.openGate();
    const ended = await watched.until('turn.ended');

    assert.equal(ended.outcome, 'completed');
    assert.deepEqual(
      watched.events.map((event) => event.seq),
      watched.events.map((_, index) => index + 1),
    );
    assert.equal(await readFile(join(await workshop.workspace(), 'effects'), 'utf8'), 'once\n');
    const shown = watched.events.flatMap((event) => (event.type === 'tool.output' ? [event.text] : []));
    assert.equal(shown.join(''), 'before\nafter\n', 'live output is neither lost nor repeated');
    const [result] = watched.events.filter((event) => event.type === 'tool.finished');
    assert.equal(result?.output, 'before\nafter');
    const read = workshop.model.requests.at(-1)?.messages.filter(({ role }) => role === 'tool');
    assert.deepEqual(
      read?.map(({ content }) => content),
      ['before\nafter'],
      'the model reads it once',
    );
    assert.equal(workshop.model.requests.length, 2, 'no model call was repeated');
  });

  it('collects the result of a command that ended while no relay was there', async () => {
    const command = `echo once >> effects; echo before; ${GATE}; echo after; touch finished`;
    workshop = await openWorkshop([
      { steps: [{ toolCalls: [{ name: 'bash', arguments: { command } }] }, { text: 'Done.' }] },
    ]);
    const taskId = await workshop.delegate('Run it');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output');
    await workshop.kill();
    const workspace = await workshop.workspace();
    await writeFile(join(workspace, 'gate'), '');
    await appears(join(workspace, 'finished'));
    await workshop.start();

    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.equal((await watched.until('tool.finished')).output, 'before\nafter');
    assert.equal(await readFile(join(workspace, 'effects'), 'utf8'), 'once\n');
  });

  it('asks the model again when it was killed while the model spoke, and shows only the later attempt', async () => {
    workshop = await openWorkshop([
      { steps: [{ text: 'A long answer that takes its time to arrive.', chunkSize: 4, delayMs: 40 }] },
    ]);
    const taskId = await workshop.delegate('Say it');
    const watched = workshop.watch(taskId);
    await watched.until('text.delta');
    await workshop.kill();
    await workshop.start();
    await watched.until('turn.ended');
    const { turns } = await workshop.client.getTask(taskId);
    assert.deepEqual(
      turns[0]?.items.filter((item) => item.kind === 'text').map((item) => [item.attempt, item.text]),
      [[2, 'A long answer that takes its time to arrive.']],
    );
  });

  it('leaves the same record and the same tree as an undisturbed one, wherever it is killed', async () => {
    const steps = [
      { toolCalls: [{ name: 'todo', arguments: { items: [{ text: 'Change it', status: 'in_progress' }] } }] },
      {
        toolCalls: [
          { name: 'read', arguments: { path: 'README.md' } },
          { name: 'grep', arguments: { pattern: 'distance' } },
        ],
      },
      { toolCalls: [{ name: 'write', arguments: { path: 'notes.md', content: 'one\ntwo\n' } }] },
      {
        toolCalls: [
          { name: 'edit', arguments: { path: 'notes.md', oldText: 'two', newText: '2 two' } },
          { name: 'bash', arguments: { command: 'echo three >> notes.md; echo once >> effects' } },
        ],
      },
      { text: 'Changed.' },
    ];
    workshop = await openWorkshop([{ steps }]);
    const run = async (killAt: TaskEvent['type'] | undefined, nth: number) => {
      const taskId = await workshop.delegate('Change it');
      const watched = workshop.watch(taskId);
      if (killAt) {
        const isNth = ({ seq }: TaskEvent): boolean =>
          watched.events.filter((event) => event.type === killAt && event.seq <= seq).length === nth;
        await watched.until(killAt, isNth);
        await workshop.kill();
        await workshop.start();
      }
      await watched.until('turn.ended');
      const { headTree } = await workshop.client.changes(taskId);
      const [turn] = (await workshop.client.getTask(taskId)).turns;
      const [message] = turn?.items ?? [];
      assert.ok(turn && message?.kind === 'user');
      const names = { TASK: taskId, TURN: turn.turnId, MESSAGE: message.messageId };
      return { headTree, record: essence(watched.events, names) };
    };
    const normal = await run(undefined, 0);
    for (const [killAt, nth] of [
      ['turn.started', 1],
      ['sandbox.changed', 2],
      ['model.answered', 2],
      ['tool.started', 4],
      ['tool.finished', 4],
      ['proposal.changed', 1],
      ['tool.started', 6],
    ] as const) {
      const killed = await run(killAt, nth);
      assert.deepEqual(killed, normal, `killed at ${killAt} ${nth}`);
    }
  });
});

/** Waits for a file that a command makes while no relay is there to tell. */
async function appears(file: string): Promise<void> {
  const changes = watch(join(file, '..'));
  const exists = () =>
    readFile(file).then(
      () => true,
      () => false,
    );
  if (await exists()) return;
  for await (const _ of changes) if (await exists()) return;
}
