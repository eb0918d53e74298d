import { AppError } from '../errors.ts';

/** Lets a few in at once. Throws `not_ready` where too many wait already. */
export type Turnstile = <T>(work: () => Promise<T>) => Promise<T>;

/** @param places how many are in at once @param seats how many may wait, in order; any number where absent */
export function createTurnstile(places: number, seats = Infinity): Turnstile {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else {
      if (waiting.length >= seats) throw busy();
      // Whoever leaves hands its place over.
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

const busy = (): AppError =>
  new AppError('not_ready', 'The relay is busy with others of the same.', {
    nextAction: 'Try again in a minute.',
  });
