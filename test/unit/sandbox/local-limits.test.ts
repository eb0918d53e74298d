import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { createStrikes, limitsOf, overLimit } from '../../../server/sandbox/local/limits.ts';
import { createWatch } from '../../../server/sandbox/local/watch.ts';

describe('the limits of a local sandbox', () => {
  it('are what was asked for, else half of a small machine, and 20 GiB or two million files on disk', () => {
    const half = Math.min(4_096, Math.floor(totalmem() / 2 ** 21));
    assert.deepEqual(limitsOf(undefined), { memory: half, disk: 20_480, files: 2_000_000 });
    assert.deepEqual(limitsOf({ memoryMiB: 100, cpus: 2 }), { memory: 100, disk: 20_480, files: 2_000_000 });
    assert.deepEqual(limitsOf({ memoryMiB: 100, diskMiB: 200 }), {
      memory: 100,
      disk: 200,
      files: 2_000_000,
    });
  });

  it('are named, with what was used and what can be done, when they stop it', () => {
    const { code, message, nextAction } = overLimit('disk', 200, 201.2);
    assert.deepEqual(
      { code, message, nextAction },
      {
        code: 'limit',
        message:
          'The sandbox was stopped because it used 202 MiB on disk; its limit is 200 MiB. Its files are kept.',
        nextAction:
          'Resume it and delete what is not needed, or set HANDOFF_SANDBOX_DISK_MIB to more and start a new task.',
      },
    );
    assert.equal(
      overLimit('memory', 100).message,
      'The sandbox was stopped because it used more than it may of memory; its limit is 100 MiB. Its files are kept.',
    );
  });

  it('tell all that were waiting, or else the next, and nobody after a new start', () => {
    const strikes = createStrikes();
    const why = overLimit('memory', 1, 2);
    strikes.add('waited-for', why);
    strikes.add('idle', why);
    assert.deepEqual(
      [strikes.get('waited-for'), strikes.get('waited-for'), strikes.take('waited-for')],
      [why, why, undefined],
    );
    assert.deepEqual([strikes.take('idle'), strikes.take('idle')], [why, undefined]);
    strikes.add('idle', why);
    strikes.forget('idle');
    assert.deepEqual([strikes.has('idle'), strikes.take('idle')], [false, undefined]);
  });
});

describe('looking again and again', () => {
  const never = (error: unknown): never => assert.fail(String(error));

  it('goes on as long as there is something', async () => {
    const left = [true, true, true, false];
    await new Promise<void>((resolve) => {
      const look = async (): Promise<boolean> => {
        const more = left.shift() ?? assert.fail('one look too many');
        if (!more) resolve();
        return more;
      };
      createWatch(1, look, never).wake();
    });
    assert.deepEqual(left, []);
  });

  it('goes on after a failure, which is told', async () => {
    const failures: unknown[] = [];
    let count = 0;
    await new Promise<void>((resolve) => {
      const watch = createWatch(
        1,
        async () => {
          count += 1;
          if (count === 1) throw new Error('once');
          resolve();
          return false;
        },
        (error) => failures.push(error),
      );
      watch.wake();
    });
    assert.deepEqual(failures.map(String), ['Error: once']);
  });

  it('is begun anew by a wake that comes while there is nothing, and also during the last look', async () => {
    const looks: number[] = [];
    await new Promise<void>((resolve) => {
      const watch = createWatch(
        1,
        async () => {
          looks.push(looks.length);
          if (looks.length === 1) watch.wake();
          if (looks.length === 2) setImmediate(watch.wake);
          if (looks.length === 3) resolve();
          return false;
        },
        never,
      );
      watch.wake();
    });
    assert.deepEqual(looks, [0, 1, 2]);
  });

  it('ends when it is closed, and is not begun again', async () => {
    let looks = 0;
    let ended: (() => void) | undefined;
    const aborted = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const watch = createWatch(
      1,
      async (signal) => {
        looks += 1;
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
          setImmediate(() => watch.close());
        });
        ended?.();
        return true;
      },
      never,
    );
    watch.wake();
    await aborted;
    watch.wake();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(looks, 1);
  });

  for (const [what, paceMs, tookMs, least, most] of [
    ['takes a fiftieth of the time at most', 10, 4, 4 * 49, Infinity],
    ['but pauses for thirty times its pace at most, however long a look took', 2, 40, 30 * 2, 40 * 49],
  ] as const) {
    it(what, async () => {
      const ended: number[] = [];
      const began: number[] = [];
      await new Promise<void>((resolve) => {
        const watch = createWatch(
          paceMs,
          async () => {
            began.push(performance.now());
            const until = performance.now() + tookMs;
            while (performance.now() < until);
            if (began.length === 2) resolve();
            ended.push(performance.now());
            return began.length < 2;
          },
          never,
        );
        watch.wake();
      });
      const [first = 0] = ended;
      const [, second = 0] = began;
      const pause = second - first;
      assert.deepEqual([pause >= least - 2, pause < most], [true, true]);
    });
  }
});
