import { setImmediate as soon } from 'node:timers/promises';
import type { Clock } from '../../../../server/sandbox/daytona/client.ts';

/** A clock on which waiting takes no time, and which remembers how long was waited (ms). Chance is always none. */
export interface HastyClock extends Clock {
  readonly waits: number[];
}

export function hastyClock(): HastyClock {
  const waits: number[] = [];
  let skipped = 0;
  return {
    waits,
    now: () => Date.now() + skipped,
    random: () => 0,
    async sleep(ms) {
      waits.push(ms);
      skipped += ms;
      await soon();
    },
  };
}
