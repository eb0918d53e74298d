import type { Database } from '../engine/database.ts';
import { AppError } from '../errors.ts';

/** Lets a few in at once. Throws `not_ready` where too many wait already. */
export type Turnstile = <T>(work: () => Promise<T>) => Promise<T>;

/** @param places how many are in at once @param seats how many may wait, in order */
export function createTurnstile(places: number, seats: number): Turnstile {
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

const SEATS = 8;
const ways = new WeakMap<Database, { exporting: Turnstile; importing: Turnstile }>();

/**
 * The ways to a relay's database for files. Each that is under way keeps one of its few connections for long, so there are two at
 * most; and one import, for its memory.
 */
export function waysTo(database: Database): { exporting: Turnstile; importing: Turnstile } {
  let way = ways.get(database);
  if (!way) {
    const exporting = createTurnstile(2, SEATS);
    const alone = createTurnstile(1, SEATS);
    way = { exporting, importing: (work) => alone(() => exporting(work)) };
    ways.set(database, way);
  }
  return way;
}

const busy = (): AppError =>
  new AppError('not_ready', 'The relay is busy with the files of other tasks.', {
    nextAction: 'Try again in a minute.',
  });
