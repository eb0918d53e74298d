import assert from 'node:assert/strict';
import { type DaytonaDouble, startDaytonaDouble } from '../../fakes/daytona/server.ts';
import { call } from '../aftermath/room.ts';
import type { Watch } from '../turn/watch.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

/** Whole tasks of a relay whose machines are at Daytona, and what happens to them there. */
describe('a task whose machine is at Daytona', function () {
  this.timeout(120_000);
  let double: DaytonaDouble;
  let workshop: Workshop;
  beforeEach(async () => {
    double = await startDaytonaDouble();
  });
  afterEach(async () => {
    await workshop.close();
    await double.close();
  });

  const open = async (
    steps: Parameters<typeof openWorkshop>[0][number]['steps'],
    more = {},
  ): Promise<void> => {
    workshop = await openWorkshop([{ steps }], {
      HANDOFF_SANDBOX: 'daytona',
      DAYTONA_API_KEY: double.apiKey,
      DAYTONA_API_URL: double.url,
      ...more,
    });
  };
  const outputs = ({ events }: Watch): string[] =>
    events.flatMap((event) => (event.type === 'tool.finished' ? [event.output] : []));
  const states = ({ events }: Watch): string[] =>
    events.flatMap((event) => (event.type === 'sandbox.changed' ? [event.state] : []));
  /** The only machine's id. */
  const machine = (): string => {
    const [id] = double.world.sandboxes.keys();
    assert.ok(id);
    return id;
  };

  it('does what a local one does, hibernates, and wakes for the next message', async () => {
    await open(
      [
        call('bash', { command: 'echo out; echo err >&2; echo made > made.md' }),
        { text: 'Done.' },
        call('bash', { command: 'cat made.md' }),
        { text: 'Done again.' },
      ],
      { HANDOFF_IDLE_MINUTES: '0.02' },
    );
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    const { turnId } = await watched.until('turn.ended');
    await watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    const { files } = await workshop.client.changes(taskId);
    assert.deepEqual(
      files.map(({ path, status }) => ({ path, status })),
      [{ path: 'made.md', status: 'added' }],
      'the proposal can be read with the machine off',
    );
    await workshop.client.sendMessage(taskId, { clientId: crypto.randomUUID(), text: 'More' });
    await watched.until('turn.ended', (event) => event.turnId !== turnId);
    assert.deepEqual(outputs(watched), ['out\n[stderr]\nerr', 'made']);
    assert.deepEqual(double.problems, []);
  });

  it('is attached to by the next relay when the first is killed under a command, which ran once', async () => {
    await open([call('bash', { command: 'echo ran >> runs; sleep 4; cat runs' }), { text: 'Done.' }]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('tool.started');
    await workshop.kill();
    await workshop.start();
    await watched.until('turn.ended');
    assert.deepEqual(outputs(watched), ['ran']);
  });

  it('goes on in a new machine with what was fetched last, where it was deleted behind our back', async () => {
    await open([
      call('bash', { command: 'echo kept > kept.md' }),
      call('bash', { command: 'echo ready; until [ -e gate ]; do sleep 0.02; done' }),
      call('bash', { command: 'cat kept.md' }),
      { text: 'Done.' },
    ]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output', ({ text }) => text.includes('ready'));
    await double.behind.delete(machine());
    const ended = await watched.until('turn.ended');
    assert.equal(ended.outcome, 'completed');
    const [, lost, kept] = outputs(watched);
    assert.match(lost ?? '', /Look at what is there before you go on|was lost while this ran/);
    assert.equal(kept, 'kept');
    assert.ok(states(watched).includes('lost'), states(watched).join(' '));
    const { turns } = await workshop.client.getTask(taskId);
    const notices = turns[0]?.items.flatMap((item) => (item.kind === 'notice' ? [item.text] : [])) ?? [];
    assert.match(notices.join('\n'), /The task’s machine is lost/);
  });

  it('tells the agent in its next turn that it has a new machine, where it was deleted meanwhile', async () => {
    await open([
      call('bash', { command: 'echo kept > kept.md' }),
      { text: 'Done.' },
      call('bash', { command: 'cat kept.md' }),
      { text: 'Done again.' },
    ]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    const { turnId } = await watched.until('turn.ended');
    await watched.until('proposal.changed');
    await double.behind.delete(machine());
    await workshop.client.sendMessage(taskId, { clientId: crypto.randomUUID(), text: 'More' });
    await watched.until('turn.ended', (event) => event.turnId !== turnId);
    assert.deepEqual(outputs(watched).at(-1), 'kept');
    assert.match(JSON.stringify(workshop.model.requests.at(-1)), /A new machine with the files/);
  });

  it('is woken where it was stopped behind our back', async () => {
    await open([
      call('bash', { command: 'echo kept > kept.md' }),
      call('bash', { command: 'echo ready; until [ -e gate ]; do sleep 0.02; done' }),
      call('bash', { command: 'cat kept.md' }),
      { text: 'Done.' },
    ]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output', ({ text }) => text.includes('ready'));
    await double.behind.stop(machine());
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.equal(outputs(watched)[2], 'kept');
    assert.equal(states(watched).includes('lost'), false);
    assert.equal(double.world.sandboxes.size, 1);
  });

  it('never has the key in its log, its events or its answers', async () => {
    await open([call('bash', { command: 'env' }), { text: 'Done.' }]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('turn.ended');
    const said = [
      workshop.log(),
      JSON.stringify(watched.events),
      JSON.stringify(await workshop.client.getTask(taskId)),
    ];
    assert.equal(
      said.some((text) => text.includes(double.apiKey)),
      false,
    );
    assert.match(outputs(watched)[0] ?? '', /^HOME=/m, 'the search looks where something is');
  });
});
