import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scenario } from '../../fakes/model/script.ts';
import { type Fleet, openFleet } from './fleet.ts';

const GATE = 'while [ ! -e gate ]; do sleep 0.02; done';
const bash = (command: string) => ({ toolCalls: [{ name: 'bash', arguments: { command } }] });
const gated: Scenario = [
  { steps: [bash(`echo once >> effects; echo begun; ${GATE}; echo after`), { text: 'Done.' }] },
];

describe('relays that share a database', function () {
  this.timeout(90_000);
  let fleet: Fleet;
  const relay = (index: number) => {
    const found = fleet.relays[index];
    assert.ok(found);
    return found;
  };
  const openGates = async () => {
    for (const workspace of await fleet.workspaces()) await writeFile(join(workspace, 'gate'), '');
  };
  afterEach(() => fleet.close());

  it('take over what another ran that was killed: the command is attached to and ran once', async () => {
    fleet = await openFleet(gated, 2);
    const taskId = await fleet.delegate(relay(0), 'Go');
    const watches = fleet.relays.map((each) => fleet.watch(each, taskId));
    const [here, there] = watches;
    assert.ok(here && there);
    const { turnId } = await here.until('tool.output');
    await there.until('tool.output');
    const runner = await fleet.runnerOf(turnId);
    const other = fleet.relays.find((each) => each !== runner);
    assert.ok(runner && other);
    await runner.kill();
    const [row] = await taken(turnId, await other.id());
    assert.equal(row?.epoch, 3, 'given back under a number of its own, and claimed under another');
    await openGates();

    const survivor = other === relay(0) ? here : there;
    assert.equal((await survivor.until('turn.ended')).outcome, 'completed');
    assert.equal((await survivor.until('tool.finished')).output, 'begun\nafter');
    const [workspace = ''] = await fleet.workspaces();
    assert.equal(await readFile(join(workspace, 'effects'), 'utf8'), 'once\n');
    assert.deepEqual(
      survivor.events.map(({ seq }) => seq),
      survivor.events.map((_, index) => index + 1),
    );
    assert.equal(fleet.model.requests.length, 2);
  });

  it('fence one that was taken for dead and wakes up: what it still says is refused, and it goes on with new work', async () => {
    fleet = await openFleet(gated, 2);
    const taskId = await fleet.delegate(relay(0), 'Go');
    const watched = fleet.watch(relay(0), taskId);
    const { turnId } = await watched.until('tool.output');
    const runner = await fleet.runnerOf(turnId);
    const other = fleet.relays.find((each) => each !== runner);
    assert.ok(runner && other);
    const survivor = fleet.watch(other, taskId);
    process.kill(runner.pid(), 'SIGSTOP');
    await taken(turnId, await other.id());
    await openGates();
    await survivor.until('tool.finished');
    process.kill(runner.pid(), 'SIGCONT');
    assert.equal((await survivor.until('turn.ended')).outcome, 'completed');
    const finished = survivor.events.filter(({ type }) => type === 'tool.finished' || type === 'turn.ended');
    assert.equal(finished.length, 2);
    assert.equal((await runner.client.getTask(taskId)).status, 'completed', 'it serves on');
  });

  it('hold the limits together: for all, and for each person', async () => {
    fleet = await openFleet(gated, 2, { HANDOFF_MAX_TURNS: '2' });
    const taskIds = [];
    for (const index of [0, 1, 0]) taskIds.push(await fleet.delegate(relay(index), `Go ${index}`));
    const [first = '', second = '', third = ''] = taskIds;
    const watches = taskIds.map((taskId) => fleet.watch(relay(1), taskId));
    const waiting = await watches[2]?.until('turn.waiting');
    assert.equal(waiting?.reason.code, 'no_slot');
    assert.equal((await relay(0).client.getTask(third)).status, 'waiting');
    assert.deepEqual(await running(), [first, second].sort());
    await Promise.all([0, 1].map((index) => watches[index]?.until('tool.output')));
    await openGates();
    await watches[2]?.until('turn.continued');
    await watches[2]?.until('tool.output');
    await openGates();
    for (const watch of watches) assert.equal((await watch.until('turn.ended')).outcome, 'completed');
  });

  it('say that a task waits whose machine is away; stopping it needs no machine', async () => {
    fleet = await openFleet(gated, 2, {}, (index, directory) =>
      index === 1 ? { HANDOFF_WORK: join(directory, 'elsewhere') } : {},
    );
    await relay(1).kill();
    const taskId = await fleet.delegate(relay(0), 'Go');
    const watched = fleet.watch(relay(0), taskId);
    await watched.until('tool.output');
    await relay(0).kill();
    await fleet.query(`UPDATE handoff.relays SET seen_at = now() - interval '1 hour'`);
    const elsewhere = fleet.relays[1];
    assert.ok(elsewhere);
    await elsewhere.start();
    const view = fleet.watch(elsewhere, taskId);
    assert.equal((await view.until('turn.waiting')).reason.code, 'host_away');
    const { turnId } = await elsewhere.client.stop(taskId);
    assert.equal((await view.until('turn.ended')).turnId, turnId);
    const refused = await elsewhere.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Go on' });
    assert.equal(refused.disposition, 'started', 'and a message waits for its machine');
  });

  it('give back what they run when they are asked to end, and the next version goes on', async () => {
    fleet = await openFleet(
      [{ steps: [bash('echo one >> effects'), { text: 'Slowly said.', chunkSize: 1, delayMs: 30 }] }],
      2,
    );
    const taskId = await fleet.delegate(relay(0), 'Go');
    const watched = fleet.watch(relay(0), taskId);
    const { turnId } = await watched.until('model.called');
    const runner = await fleet.runnerOf(turnId);
    const other = fleet.relays.find((each) => each !== runner);
    assert.ok(runner && other);
    const exit = runner.kill('SIGTERM');
    const view = fleet.watch(other, taskId);
    assert.equal((await view.until('turn.ended')).outcome, 'completed');
    await exit;
    const answers = view.events.filter(({ type }) => type === 'model.answered');
    assert.deepEqual([answers.length, fleet.model.requests.length], [2, 2], 'the step in flight was let end');
    const [workspace = ''] = await fleet.workspaces();
    assert.equal(await readFile(join(workspace, 'effects'), 'utf8'), 'one\n');
  });

  /** Waits until that relay has the turn. */
  async function taken(turnId: string, relayId: string) {
    for (;;) {
      const rows = await fleet.query<{ epoch: number }>(
        `SELECT epoch FROM handoff.turns WHERE turn_id = $1 AND relay = $2 AND state = 'running'`,
        [turnId, relayId],
      );
      if (rows.length > 0) return rows;
      await once(AbortSignal.timeout(50), 'abort');
    }
  }

  async function running(): Promise<string[]> {
    const rows = await fleet.query<{ taskId: string }>(
      `SELECT task_id AS "taskId" FROM handoff.turns WHERE state = 'running'`,
    );
    return rows.map(({ taskId }) => taskId).sort();
  }
});
