import type { Database } from '../engine/database.ts';
import { createTurnstile, type Turnstile } from '../engine/turnstile.ts';

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
