import assert from 'node:assert/strict';
import type { Claim, Claims } from '../../../server/engine/claims.ts';
import { createDispatcher } from '../../../server/engine/dispatcher.ts';
import type { Journal } from '../../../server/engine/journal.ts';

const logger = { warn: () => {}, error: () => {} };
const notices = { subscribe: () => () => {} };

/** Turns that are claimed one after the other, and word of what was given back. */
function queue(...turnIds: string[]) {
  const back: string[] = [];
  const epochs = new Map<string, number>();
  const claims: Claims = {
    async next(mine) {
      const turnId = turnIds.shift();
      if (turnId === undefined) return undefined;
      assert.ok(!mine.includes(turnId), 'it says what it runs');
      const epoch = (epochs.get(turnId) ?? 0) + 1;
      epochs.set(turnId, epoch);
      return { taskId: 'task', turnId, epoch, format: 1 };
    },
    async handBack({ turnId, epoch }) {
      back.push(`${turnId}:${epoch}`);
      turnIds.push(turnId);
    },
    release: async () => 0,
    releaseLost: async () => {},
    held: async () => [],
  };
  return { claims, back };
}

function dispatch(claims: Claims, run: (journal: Journal, claim: Claim) => Promise<void>, hasPeers = false) {
  return createDispatcher({
    claims,
    run,
    hasPeers: () => hasPeers,
    onIdle: async () => {},
    notices,
    logger,
    firstRestMs: 4,
  });
}

describe('the dispatcher', () => {
  it('runs what it can claim, at once, and looks again when one has ended', async () => {
    const { claims } = queue('t1', 't2', 't3');
    const running: string[] = [];
    const all = Promise.withResolvers<void>();
    const dispatcher = dispatch(claims, async (_journal, { turnId }) => {
      running.push(turnId);
      if (running.length === 3) all.resolve();
      await all.promise;
    });
    dispatcher.wake();
    await all.promise;
    assert.deepEqual(running, ['t1', 't2', 't3']);
    await dispatcher.drain(1000);
  });

  it('gives a turn back that breaks off, and lets it rest longer each time', async () => {
    const { claims, back } = queue('t1');
    const begun: number[] = [];
    const done = Promise.withResolvers<void>();
    const dispatcher = dispatch(claims, async () => {
      begun.push(performance.now());
      if (begun.length <= 4) throw new Error('nobody foresaw it');
      done.resolve();
    });
    dispatcher.wake();
    await done.promise;
    await dispatcher.drain(1000);
    assert.deepEqual(back, ['t1:1', 't1:2', 't1:3', 't1:4']);
    const rests = begun.slice(1).map((at, index) => at - (begun[index] ?? 0));
    for (const [index, atLeast] of [4, 8, 16, 32].entries()) assert.ok((rests[index] ?? 0) >= atLeast - 1);
  });

  it('drains: no step begins any more, and the turn is given back when those in flight have ended', async () => {
    const { claims, back } = queue('t1');
    const gate = Promise.withResolvers<void>();
    const inStep = Promise.withResolvers<void>();
    const steps: string[] = [];
    const dispatcher = dispatch(claims, async (journal) => {
      await journal.step('first', async () => {
        inStep.resolve();
        await gate.promise;
        steps.push('first');
      });
      await journal.step('second', async () => void steps.push('second'));
    });
    dispatcher.wake();
    await inStep.promise;
    const drained = dispatcher.drain(10_000);
    assert.deepEqual(back, []);
    gate.resolve();
    await drained;
    assert.deepEqual([steps, back], [['first'], ['t1:1']]);
  });

  it('leaves to the next relay what does not end within its grace: a frozen step is acted upon no more', async () => {
    const { claims, back } = queue('t1');
    const gate = Promise.withResolvers<void>();
    const inStep = Promise.withResolvers<void>();
    let isPast = false;
    const dispatcher = dispatch(claims, async (journal) => {
      await journal.step('first', async () => {
        inStep.resolve();
        await gate.promise;
      });
      isPast = true;
    });
    dispatcher.wake();
    await inStep.promise;
    await dispatcher.drain(1);
    dispatcher.freeze();
    gate.resolve();
    await gate.promise;
    await new Promise(setImmediate);
    assert.deepEqual([isPast, back], [false, []]);
  });
});
