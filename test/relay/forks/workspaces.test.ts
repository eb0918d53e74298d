import assert from 'node:assert/strict';
import type pg from 'pg';
import { Unmerged } from '../../../server/agent/agents/unmerged.ts';
import type { WorkingTurn } from '../../../server/agent/agents/workspaces.ts';
import { NOTE } from '../../../server/repo/set-workspace.ts';
import { SandboxError } from '../../../server/sandbox/sandbox.ts';
import { TurnOver } from '../../../server/tasks/turn-signals.ts';
import { openPostgres } from '../lifecycle/garage.ts';
import { type LocalFixture, localFixture } from '../sandbox/support/local.ts';
import { NEVER, openStage, type Stage, said } from './stage.ts';

const FILES = {
  'a.txt': 'one\ntwo\nthree\nfour\nfive\n',
  'b.txt': 'b\n',
  '.gitignore': 'ignored\n',
};

describe('workspaces of agents that write side by side', function () {
  this.timeout(90_000);
  let postgres: { pool: pg.Pool; close(): Promise<void> };
  let fixture: LocalFixture;
  let stage: Stage;
  before(async () => {
    postgres = await openPostgres();
  });
  beforeEach(async () => {
    fixture = await localFixture();
    stage = await openStage(postgres.pool, fixture, FILES);
  });
  afterEach(async () => {
    stage.close();
    await fixture.dispose();
  });
  after(() => postgres.close());

  const agent = (n: number): string => `${stage.turn.turnId}:m1c${n}`;
  const fork = (n: number) => stage.workspaces.fork(stage.turn, agent(n), 'm1', NEVER);
  const mergeBack = async (n: number, own: Awaited<ReturnType<typeof fork>>, isKept = true) =>
    stage.workspaces.mergeBack(stage.turn, agent(n), stage.turn.turnId, own, { isKept, signal: NEVER });
  const merges = async () =>
    (await stage.events()).flatMap((event) =>
      event.type === 'agent.merged'
        ? [[event.agentId, event.changed, event.conflicts, event.isDiscarded]]
        : [],
    );

  it('have all that the lead’s has, and nothing of each other’s', async () => {
    const lead = await stage.lead();
    await said(lead, 'echo of lead > b.txt; mkdir ignored; echo 1 > ignored/file; echo h > ~/h');
    const [one, two] = await Promise.all([fork(1), fork(2)]);
    const look = 'cat b.txt ignored/file ~/h; ls';
    const all = 'of lead\n1\nh\na.txt\nb.txt\nfirst.txt\nignored\n';
    const [first, second] = [await one.sandbox(), await two.sandbox()];
    for (const sandbox of [first, second, lead]) assert.equal(await said(sandbox, look), all);
    assert.equal(one.treeBefore, two.treeBefore);
    await said(first, 'echo of one > b.txt; echo 2 > ignored/file; rm ~/h');
    assert.equal(await said(second, look), all);
    assert.equal(await said(lead, look), all);
  });

  it('give their work to the lead’s, where it goes together', async () => {
    const [one, two] = await Promise.all([fork(1), fork(2)]);
    await said(await one.sandbox(), "sed -i 's/one/ONE/' a.txt; echo new > new.txt; chmod +x b.txt");
    await said(
      await two.sandbox(),
      "sed -i 's/five/FIVE/' a.txt; rm first.txt; mkdir ignored; echo > ignored/x",
    );
    // Whose call came first goes first, whoever is done first.
    const second = mergeBack(2, two);
    const first = await mergeBack(1, one);
    assert.deepEqual([first.changed, first.conflicts], [['a.txt', 'b.txt', 'new.txt'], []]);
    assert.deepEqual((await second).changed, ['a.txt', 'first.txt']);
    const lead = await stage.lead();
    assert.equal(
      await said(lead, 'cat a.txt; ls; stat -c %a b.txt; git status --short'),
      'ONE\ntwo\nthree\nfour\nFIVE\na.txt\nb.txt\nnew.txt\n755\n M a.txt\n M b.txt\n D first.txt\n?? new.txt\n',
    );
    assert.deepEqual(await merges(), [
      [agent(1), ['a.txt', 'b.txt', 'new.txt'], [], false],
      [agent(2), ['a.txt', 'first.txt'], [], false],
    ]);
    const state = await stage.turn.states.current(stage.turn.taskId);
    const found = await stage.turn.repo.capture(state.taskId, lead, stage.baseTree);
    assert.deepEqual(
      { workspace: state.workspaceTree, proposed: state.proposal?.headTree, merged: (await second).headTree },
      { workspace: found.headTree, proposed: found.headTree, merged: found.headTree },
    );
  });

  it('leave a conflict to the lead, with what both wrote', async () => {
    const [one, two] = await Promise.all([fork(1), fork(2)]);
    await said(await one.sandbox(), "sed -i 's/three/3 of one/' a.txt");
    await said(await two.sandbox(), "sed -i 's/three/3 of two/' a.txt; rm b.txt");
    await said(await stage.lead(), 'echo changed > b.txt');
    const merged = [await mergeBack(1, one), await mergeBack(2, two)];
    assert.deepEqual(
      merged.map(({ changed, conflicts }) => ({ changed, conflicts })),
      [
        { changed: ['a.txt'], conflicts: [] },
        { changed: ['a.txt', 'b.txt'], conflicts: ['a.txt', 'b.txt'] },
      ],
    );
    assert.equal(
      await said(await stage.lead(), 'cat a.txt b.txt'),
      'one\ntwo\n<<<<<<< this workspace\n3 of one\n=======\n3 of two\n>>>>>>> the subagent\nfour\nfive\nchanged\n',
    );
  });

  it('are left out whole, where nobody wants their work', async () => {
    const one = await fork(1);
    await said(await one.sandbox(), 'echo no > b.txt; echo no > new.txt');
    const { changed, headTree } = await mergeBack(1, one, false);
    assert.deepEqual([changed, headTree], [['b.txt', 'new.txt'], stage.baseTree]);
    assert.equal(await said(await stage.lead(), 'cat b.txt; git status --short'), 'b\n');
    assert.deepEqual(await merges(), [[agent(1), ['b.txt', 'new.txt'], [], true]]);
  });

  it('are copies of what is there when they begin: who begins after others were given back sees their work', async () => {
    const one = await fork(1);
    await said(await one.sandbox(), 'echo of one > b.txt');
    await mergeBack(1, one);
    await stage.workspaces.drop(stage.turn, agent(1));
    await said(await stage.lead(), 'mkdir ignored; echo 1 > ignored/x');
    const two = await fork(2);
    assert.equal(await said(await two.sandbox(), 'cat b.txt ignored/x'), 'of one\n1\n');
  });

  it('wait for calls that are under way in the lead’s machine, and tell the lead what ended with its stop', async () => {
    const lead = await stage.lead();
    const call = lead.exec({
      ...{ execId: 'explorer:1', argv: ['bash', '-c', 'sleep 1; echo done'] },
      ...{ timeoutMs: 10_000, maxOutputBytes: 100 },
    });
    const running = { timeoutMs: 10_000, maxOutputBytes: 100 };
    await lead.exec({
      execId: `${stage.turn.turnId}:m0c1`,
      argv: ['bash', '-c', 'sleep 100 >/dev/null 2>&1 &'],
      ...running,
    });
    await fork(1);
    const { exitCode, stdout } = await call;
    assert.deepEqual([exitCode, Buffer.from(stdout.head).toString()], [0, 'done\n']);
    assert.equal(await said(lead, 'pgrep sleep'), '');
    const told = (await stage.events()).flatMap((event) =>
      event.type === 'sandbox.changed' && event.isNews ? [event.detail] : [],
    );
    assert.deepEqual(told, [
      'The machine was stopped for a moment, so that agents could begin as copies of it: commands that ran in the background have ended, and nothing else has changed',
    ]);
  });

  it('are gone when they are given back, when their turn is over, and with their task', async () => {
    await Promise.all([fork(1), fork(2)]);
    await stage.workspaces.drop(stage.turn, agent(1));
    assert.deepEqual(await stage.left(), { rows: 2, machines: 1 });
    await stage.forks.sweep();
    assert.deepEqual(await stage.left(), { rows: 2, machines: 1 });
    await stage.endTurn();
    await stage.forks.sweep();
    assert.deepEqual(await stage.left(), { rows: 0, machines: 0 });
  });
  /** The lead's machine fails so often as its workspace is to be set, once that has begun or before. */
  const failing = (times: number, when: 'before' | 'begun'): WorkingTurn => {
    const { repo } = stage.turn;
    let failed = 0;
    return {
      ...stage.turn,
      repo: {
        ...repo,
        async setWorkspace(machine, setting) {
          if (failed >= times) return repo.setWorkspace(machine, setting);
          failed += 1;
          if (when === 'begun') {
            const note = `${machine.scratchdir}/${NOTE}`;
            await said(machine, `echo '${setting.name} begun' >'${note}'; echo half > b.txt`);
          }
          throw new SandboxError('lost', 'The connection was lost.');
        },
      },
    };
  };

  for (const when of ['before', 'begun'] as const) {
    it(`bring work home once more where the machine fails, ${when === 'begun' ? 'and finish what had begun' : 'before anything was set'}`, async () => {
      const one = await fork(1);
      await said(await one.sandbox(), 'echo of one | tee b.txt > new.txt');
      const options = { isKept: true, signal: NEVER };
      const turn = failing(1, when);
      const { changed } = await stage.workspaces.mergeBack(turn, agent(1), turn.turnId, one, options);
      assert.deepEqual(changed, ['b.txt', 'new.txt']);
      assert.equal(await said(await stage.lead(), 'cat b.txt new.txt'), 'of one\nof one\n');
      assert.deepEqual(await merges(), [[agent(1), ['b.txt', 'new.txt'], [], false]]);
    });
  }

  it('name work that cannot be brought home, which the relay keeps', async () => {
    const one = await fork(1);
    const sandbox = await one.sandbox();
    await said(sandbox, 'echo of one > b.txt');
    const options = { isKept: true, signal: NEVER };
    const turn = failing(2, 'before');
    const error = await stage.workspaces.mergeBack(turn, agent(1), turn.turnId, one, options).catch((e) => e);
    await stage.workspaces.drop(stage.turn, agent(1));
    assert.ok(error instanceof Unmerged && error.cause instanceof SandboxError);
    assert.deepEqual(error.work.changed, ['b.txt']);
    const { repo, taskId } = stage.turn;
    const kept = await repo.textDiff(taskId, one.treeBefore, error.work.treeAfter, 1000);
    assert.match(kept.text, /^\+of one$/m);
  });

  it('hold up nobody for one whose turn is over', async () => {
    const [one, two] = await Promise.all([fork(1), fork(2)]);
    await said(await two.sandbox(), 'echo of two > b.txt');
    const { store } = stage.turn;
    const over = { ...stage.turn, store: { ...store, standing: async () => undefined } };
    const options = { isKept: true, signal: NEVER };
    await assert.rejects(stage.workspaces.mergeBack(over, agent(1), over.turnId, one, options), TurnOver);
    assert.deepEqual((await mergeBack(2, two)).changed, ['b.txt']);
  });
});
