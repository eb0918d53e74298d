import type { World } from './reach.ts';

/** Names of one sandbox that are looked up at once. */
export const LOOKUPS_AT_ONCE = 8;
/** And those that wait for it: a client may be gone and its name still wait. */
export const MAX_WAITING_LOOKUPS = 256;

/**
 * The same world, as one sandbox gets to see it: some names are looked up at once, more wait for them, and beyond that none is.
 * The threads that look names up are few and are everybody's, and whoever names what does not answer keeps one for long.
 */
export function withFewLookups(world: World): World {
  const waiting: Array<() => void> = [];
  let running = 0;
  const turn = async (): Promise<void> => {
    if (running < LOOKUPS_AT_ONCE) {
      running += 1;
      return;
    }
    if (waiting.length >= MAX_WAITING_LOOKUPS) throw new Error('Too many names are being looked up.');
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const over = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return {
    ...world,
    async resolve(name) {
      await turn();
      return world.resolve(name).finally(over);
    },
  };
}
