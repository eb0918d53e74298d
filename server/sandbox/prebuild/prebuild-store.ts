import type { Database } from '../../engine/database.ts';
import type { SnapshotRef } from '../sandbox.ts';

/** A machine that was filled and set up beforehand, and is kept for tasks to begin as copies of. */
export interface Prebuild {
  /** Also its task's name at the provider, and its repository's here. */
  prebuildId: string;
  snapshot: SnapshotRef;
}

/** Which prebuilds this host has. */
export interface PrebuildStore {
  /** The one of that key, if it is ready and not too old; it is in use from now on. */
  find(key: string): Promise<Prebuild | undefined>;
  /** Whether whoever asks may build one of that key: nobody else does, none is ready, and none failed lately. */
  begin(key: string, prebuildId: string): Promise<boolean>;
  /** It was built. */
  finish(prebuildId: string, snapshot: SnapshotRef): Promise<void>;
  /** It could not be built, and is not tried for a while. */
  fail(prebuildId: string): Promise<void>;
  /** Those to be removed: too old, beyond the `most` used last, failed long ago, or abandoned by whoever built them. */
  unwanted(most: number): Promise<Array<{ prebuildId: string; snapshot: SnapshotRef | null }>>;
  remove(prebuildId: string): Promise<void>;
}

const MINUTE_MS = 60_000;
/** What lies in a machine grows old: packages get updates. */
const GOOD_FOR_MS = 7 * 24 * 60 * MINUTE_MS;
const ABANDONED_AFTER_MS = 60 * MINUTE_MS;
const NOT_AGAIN_FOR_MS = 60 * MINUTE_MS;

export function createPrebuildStore(database: Database, host: string, now: () => number): PrebuildStore {
  return {
    async find(key) {
      const { rows } = await database.query<Prebuild>(
        `UPDATE handoff.prebuilds SET used_at = $3
         WHERE host = $1 AND key = $2 AND state = 'ready' AND started_at > $4
         RETURNING prebuild_id AS "prebuildId", snapshot`,
        [host, key, now(), now() - GOOD_FOR_MS],
      );
      return rows[0];
    },

    async begin(key, prebuildId) {
      const at = now();
      // What stands in the way of a new one although it is of no use.
      await database.query(
        `UPDATE handoff.prebuilds SET state = 'unwanted' WHERE host = $1 AND key = $2
           AND (state = 'ready' AND started_at <= $3 OR state = 'building' AND started_at <= $4
             OR state = 'failed' AND started_at <= $5)`,
        [host, key, at - GOOD_FOR_MS, at - ABANDONED_AFTER_MS, at - NOT_AGAIN_FOR_MS],
      );
      const { rowCount } = await database.query(
        `INSERT INTO handoff.prebuilds (prebuild_id, key, host, state, started_at, used_at)
         VALUES ($1, $2, $3, 'building', $4, $4) ON CONFLICT DO NOTHING`,
        [prebuildId, key, host, at],
      );
      return rowCount === 1;
    },

    async finish(prebuildId, snapshot) {
      await database.query(
        `UPDATE handoff.prebuilds SET state = 'ready', snapshot = $2 WHERE prebuild_id = $1 AND state = 'building'`,
        [prebuildId, JSON.stringify(snapshot)],
      );
    },

    async fail(prebuildId) {
      await database.query(
        `UPDATE handoff.prebuilds SET state = 'failed', started_at = $2 WHERE prebuild_id = $1`,
        [prebuildId, now()],
      );
    },

    async unwanted(most) {
      const at = now();
      const { rows } = await database.query<{ prebuildId: string; snapshot: SnapshotRef | null }>(
        `SELECT prebuild_id AS "prebuildId", snapshot FROM handoff.prebuilds
         WHERE host = $1 AND (state = 'unwanted' OR state = 'ready' AND started_at <= $2
           OR state = 'building' AND started_at <= $3 OR state = 'failed' AND started_at <= $4
           OR prebuild_id IN (SELECT prebuild_id FROM handoff.prebuilds
             WHERE host = $1 AND state = 'ready' ORDER BY used_at DESC OFFSET $5))`,
        [host, at - GOOD_FOR_MS, at - ABANDONED_AFTER_MS, at - NOT_AGAIN_FOR_MS, most],
      );
      return rows;
    },

    async remove(prebuildId) {
      await database.query('DELETE FROM handoff.prebuilds WHERE prebuild_id = $1', [prebuildId]);
    },
  };
}
