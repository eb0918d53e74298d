import assert from 'node:assert/strict';
import { createAftermath, createAftermathStarter } from '../../../server/aftermath/aftermath.ts';
import type { CheckPlan } from '../../../server/aftermath/checks.ts';
import { emptyTask } from '../../../server/protocol/reduce.ts';
import { logLines } from './log-lines.ts';

const TURN = { taskId: 'task', turnId: 'turn' };
const PLAN: CheckPlan = {
  headTree: 'tree',
  checks: ['a', 'b', 'c'].map((name) => ({ name, command: 'true', timeoutMs: 1 })),
};

/** Runs an aftermath whose pieces note what they were asked for; those of `broken` fail. */
async function run({
  plan = PLAN,
  cancelledAt,
  broken = [],
  waits = 0,
  passing = false,
  mends = false,
}: {
  plan?: CheckPlan | null;
  cancelledAt?: number;
  broken?: string[];
  /** How often it is told that an earlier turn's aftermath goes first. */
  waits?: number;
  passing?: boolean;
  /** Whether the agent is told of what failed. */
  mends?: boolean;
}) {
  const done: string[] = [];
  const steps: string[] = [];
  const underWay = new Set<string>();
  const { logger, lines } = logLines();
  const piece = async (name: string): Promise<void> => {
    done.push(name);
    if (broken.includes(name)) throw new Error(`${name} is broken`);
  };
  const aftermath = createAftermath({
    aftermaths: {
      owed: async () => [],
      async isNext() {
        return waits-- <= 0;
      },
      leave: () => piece('leave'),
      settle: (_turn, sleepAt) => piece(`settle ${sleepAt}`),
    },
    workspaces: {
      sandboxOf: async () => undefined,
      capture: () => piece('capture'),
      restore: (_turn, headTree) => piece(`restore ${headTree}`),
    },
    checks: {
      async plan() {
        await piece('plan');
        return plan ?? undefined;
      },
      async run(_turn, index, { name }) {
        await piece(`check ${name}`);
        return index === cancelledAt ? 'cancelled' : passing ? 'passed' : 'failed';
      },
    },
    mend: async (_turn, checks) => {
      await piece(`mend ${checks.length}`);
      return mends;
    },
    usage: { record: () => piece('usage') },
    carryDecisions: () => piece('carry'),
    trace: () => piece('trace'),
    states: {
      async current(taskId) {
        await piece('notify');
        return emptyTask(taskId);
      },
    },
    notify: async () => {},
    underWay,
    now: () => 1000,
    idleMs: 5,
    logger,
  });
  await aftermath(
    {
      step(name, work) {
        steps.push(name);
        assert.ok(underWay.has('turn'));
        return work();
      },
    },
    TURN,
  );
  assert.deepEqual([...underWay], [], 'another one may begin');
  return { done, steps, failed: lines.map(({ step }) => step) };
}

describe('what follows a turn’s end', () => {
  it('is done in order, a step a piece', async () => {
    assert.deepEqual(await run({}), {
      done: [
        ...['capture', 'carry', 'plan', 'check a', 'check b', 'check c', 'restore tree'],
        ...['leave', 'usage', 'mend 3', 'notify', 'trace', 'settle 1005'],
      ],
      steps: [
        ...['turn', 'capture', 'carry', 'plan', 'check:0', 'check:1', 'check:2', 'restore'],
        ...['leave', 'usage', 'mend', 'notify', 'trace', 'settle'],
      ],
      failed: [],
    });
  });

  it('checks nothing where nothing is configured', async () => {
    const { done } = await run({ plan: null });
    assert.deepEqual(done, ['capture', 'carry', 'plan', 'leave', 'usage', 'notify', 'trace', 'settle 1005']);
  });

  it('tells the person of a turn whose checks failed only where the agent is not told of that first', async () => {
    const { done } = await run({ mends: true });
    assert.deepEqual(done.slice(-4), ['usage', 'mend 3', 'trace', 'settle 1005']);
    const passed = await run({ passing: true });
    assert.deepEqual(passed.done.slice(-4), ['usage', 'notify', 'trace', 'settle 1005']);
  });

  it('waits until nothing that follows an earlier turn touches the workspace', async () => {
    const before = performance.now();
    const { done } = await run({ plan: null, waits: 2 });
    assert.equal(done[0], 'capture');
    assert.ok(performance.now() - before > 300, 'it looked again, twice');
  });

  it('checks no further once the task went on, and takes back what was written until then', async () => {
    const { done } = await run({ cancelledAt: 1 });
    assert.deepEqual(done.slice(3, 6), ['check a', 'check b', 'restore tree']);
  });

  it('goes on with the next piece where one fails, and says so in the log', async () => {
    const undisturbed = await run({});
    const broken = ['capture', 'check a', 'restore tree', 'usage', 'notify'];
    const { done, failed } = await run({ broken });
    assert.deepEqual(done, undisturbed.done);
    assert.deepEqual(failed, ['capture', 'check:0', 'restore', 'usage', 'notify']);
  });
});

describe('beginning what follows a turn’s end', () => {
  function starter({ owed = [] as (typeof TURN)[][], host = 'here' as string | null, fails = 0 } = {}) {
    const started: string[] = [];
    const underWay = new Set<string>();
    const { logger, lines } = logLines();
    const looks = [...owed];
    return {
      started,
      underWay,
      lines,
      ...createAftermathStarter({
        engine: {
          hasEnded: async () => false,
          async start(workflow, id, input) {
            if (started.length < fails) {
              started.push('failed');
              throw new Error('away');
            }
            assert.deepEqual([workflow, input], ['aftermath', TURN]);
            started.push(id.replace(/@.*/, ''));
          },
        },
        aftermaths: { owed: async () => looks.shift() ?? [] },
        hostOf: async () => host,
        host: 'here',
        underWay,
        logger,
      }),
    };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('is at once on the machine that has the sandbox, and left to it by others', async () => {
    const here = starter();
    here.begin(TURN);
    here.begin(TURN);
    await settled();
    assert.deepEqual(here.started, ['aftermath:turn']);
    for (const host of ['there', null]) {
      const elsewhere = starter({ host });
      elsewhere.begin(TURN);
      await settled();
      assert.deepEqual([elsewhere.started, elsewhere.lines], [[], []]);
    }
  });

  it('is at the second look for one that was owed at the first, and once', async () => {
    const { sweep, started } = starter({ owed: [[TURN], [TURN], [TURN]] });
    await sweep();
    assert.deepEqual(started, []);
    await sweep();
    await sweep();
    assert.deepEqual(started, ['aftermath:turn']);
  });

  it('is not for one that this process has adopted', async () => {
    const { sweep, started, underWay } = starter({ owed: [[TURN], [TURN]] });
    underWay.add('turn');
    await sweep();
    await sweep();
    assert.deepEqual(started, []);
  });

  it('is tried again where the engine could not', async () => {
    const { begin, sweep, started } = starter({ owed: [[TURN], [TURN]], fails: 1 });
    begin(TURN);
    await settled();
    await sweep();
    await sweep();
    assert.deepEqual(started, ['failed', 'aftermath:turn']);
  });
});
