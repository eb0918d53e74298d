import assert from 'node:assert/strict';
import type pg from 'pg';
import { openPostgres } from '../lifecycle/garage.ts';
import { type Dying, dying } from '../prebuild/mortal.ts';
import { type LocalFixture, localFixture } from '../sandbox/support/local.ts';
import { type Change, NEVER, openStage, type Site, type Stage, said } from './stage.ts';

/**
 * An executor as its relay has it: begins, does its one thing, brings it home, and is given back.
 * @param meanwhile what the lead's workspace comes to while it works
 */
async function execute(
  { turn, workspaces }: Site,
  agentId: string,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<void> {
  const isOver = (await turn.log.find(turn.taskId, `${agentId}:merged`)) !== undefined;
  if (!isOver) {
    const fork = await workspaces.fork(turn, agentId, agentId, NEVER);
    const sandbox = await fork.sandbox();
    const line = `echo ${agentId.slice(-2)} >>log.txt`;
    const limits = { timeoutMs: 10_000, maxOutputBytes: 100 };
    await sandbox.exec({ execId: `${agentId}:m1c0`, argv: ['sh', '-c', line], ...limits });
    await meanwhile();
    await workspaces.mergeBack(turn, agentId, turn.turnId, fork, { isKept: true, signal: NEVER });
  }
  await workspaces.drop(turn, agentId);
}

/** One who only looks, and writes all the same: what its command changed is put back. */
async function look({ turn }: Site, agentId: string): Promise<void> {
  const { taskId, repo, sandboxes } = turn;
  const lead = await sandboxes.open(taskId);
  const before = await repo.settingOf(lead);
  const { headTree: to } = await repo.capture(taskId, lead, await baseTree(turn));
  await said(lead, 'echo debris >debris.txt');
  const { headTree: from } = await repo.capture(taskId, lead, to);
  await repo.setWorkspace(lead, { taskId, name: `${agentId}:put-back`, before, from, to });
}

async function baseTree({ store, taskId }: Site['turn']): Promise<string> {
  return (await store.get(taskId))?.prepared?.baseTree ?? '';
}

/** Everything that changes anything, in the order in which it is come to. */
const mortal = ({ watched }: Dying): Change => ({
  forks: (deps) => ({
    ...deps,
    store: watched('store', deps.store, ['begin', 'keepSnapshot', 'keepRef', 'remove', 'removeOrigin']),
    machines: watched('machines', deps.machines, ['keepAs']),
    providerOf: async (name) =>
      watched('provider', await deps.providerOf(name), ['create', 'destroy', 'deleteSnapshot']),
  }),
  turn: (turn) => ({
    ...turn,
    log: watched('log', turn.log, ['append']),
    store: watched('turn', turn.store, ['memo']),
    repo: watched('repo', turn.repo, ['capture', 'setWorkspace']),
  }),
});

describe('an executor whose relay is killed at any point', function () {
  this.timeout(180_000);
  let postgres: { pool: pg.Pool; close(): Promise<void> };
  let fixture: LocalFixture;
  let stage: Stage;
  before(async () => {
    postgres = await openPostgres();
    fixture = await localFixture();
    stage = await openStage(postgres.pool, fixture, { 'log.txt': '' });
  });
  after(async () => {
    stage.close();
    await fixture.dispose();
    await postgres.close();
  });

  it('has worked once, and leaves its work and nothing else', async () => {
    const points: string[] = [];
    const agentOf = (n: number): string => `${stage.turn.turnId}:m${String(10 + n)}`;
    for (let at = 1; ; at++) {
      const death = dying({ at, when: 'after' });
      const killed = execute(stage.openRelay(mortal(death)), agentOf(at)).then(() => undefined);
      const point = await Promise.race([death.died, killed]);
      if (point === undefined) {
        points.push('the end');
        break;
      }
      points.push(point);
      const next = stage.openRelay();
      await execute(next, agentOf(at));
      await next.forks.sweep();
      assert.deepEqual(await stage.left(), { rows: 0, machines: 0 }, point);
    }
    assert.deepEqual(points, [
      'after store.begin',
      'after machines.keepAs',
      'after store.keepSnapshot',
      'after provider.create',
      'after store.keepRef',
      'after repo.capture',
      'after turn.memo',
      'after repo.capture',
      'after turn.memo',
      'after repo.capture',
      'after turn.memo',
      'after repo.setWorkspace',
      'after log.append',
      'after provider.destroy',
      'after store.remove',
      'after provider.deleteSnapshot',
      'after store.removeOrigin',
      'the end',
    ]);
    const agents = points.map((_, n) => agentOf(n + 1));
    assert.equal(
      await said(await stage.lead(), 'cat log.txt'),
      agents.map((agentId) => `${agentId.slice(-2)}\n`).join(''),
    );
    const merged = (await stage.events()).flatMap((event) =>
      event.type === 'agent.merged' ? [event.agentId] : [],
    );
    assert.deepEqual(merged, agents);
  });
  it('brings its work home also where another agent’s change was put back before it goes on', async () => {
    const stages = [
      { at: 11, point: 'after turn.memo', agentId: `${stage.turn.turnId}:m50` },
      { at: 12, point: 'after repo.setWorkspace', agentId: `${stage.turn.turnId}:m51` },
    ];
    for (const { at, point, agentId } of stages) {
      const lead = await stage.lead();
      await said(lead, 'echo start >log.txt');
      const death = dying({ at, when: 'after' });
      const killed = execute(stage.openRelay(mortal(death)), agentId, () =>
        said(lead, 'echo meanwhile >>log.txt'),
      );
      assert.equal(await Promise.race([death.died, killed]), point);
      const next = stage.openRelay();
      await look(next, `${agentId}:other`);
      await execute(next, agentId);
      assert.deepEqual(
        await said(await stage.lead(), 'cat log.txt; ls'),
        `start\n<<<<<<< this workspace\nmeanwhile\n=======\n${agentId.slice(-2)}\n>>>>>>> the subagent\nfirst.txt\nlog.txt\n`,
        point,
      );
      const merged = (await stage.events()).flatMap((event) =>
        event.type === 'agent.merged' && event.agentId === agentId ? [event.conflicts] : [],
      );
      assert.deepEqual(merged, [['log.txt']], point);
    }
  });
});
