import type { Trouble } from '../engine/database.ts';
import type { Failure } from '../protocol/errors.ts';
import { DISK_FULL, isFull } from '../repo/disk.ts';

/** What keeps the relay from working now, and passes: what `GET /v1/ready` tells of. */
export interface Troubles {
  /** Hears of a database what `createDatabase` tells. */
  watchDatabase(): (trouble: Trouble | undefined) => void;
  current(): Promise<Failure[]>;
}

/** @param folders that have to have room */
export function createTroubles(folders: readonly string[]): Troubles {
  const troubled = new Map<symbol, Trouble>();
  return {
    watchDatabase() {
      const database = Symbol('database');
      return (trouble) => {
        if (trouble) troubled.set(database, trouble);
        else troubled.delete(database);
      };
    },
    async current() {
      const kinds = new Set(troubled.values());
      const database = [...kinds].map((kind) => DATABASE[kind]);
      return (await isFull(folders)) ? [...database, DISK_FULL] : database;
    },
  };
}

const DATABASE: Record<Trouble, Failure> = {
  away: {
    code: 'not_ready',
    message: 'The relay’s database does not answer.',
    nextAction: 'See that it runs; the relay log says more. What waits goes on by itself.',
  },
  full: {
    code: 'disk_full',
    message: 'The relay’s database has no room to write.',
    nextAction: 'Free space on the disk that has it. What waits goes on by itself.',
  },
};
