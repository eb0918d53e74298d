import pg from 'pg';
import type { Database } from '../../engine/database.ts';
import type { SnapshotRef } from '../sandbox.ts';

/** A machine that was filled and set up beforehand, and is kept for tasks to begin as copies of. */
export interface Prebuild {
  /** Also its task's name at the provider, its snapshot's, and its repository's here. */
  prebuildId: string;
  snapshot: SnapshotRef;
}

/** What there may be of a prebuild that nobody wants. */
export interface Leftovers {
  prebuildId: string;
  /** Whose sandboxes it is one of. */
  provider: string;
  /** Whether the provider was asked for a snapshot; null where nobody noted what it answered. */
  hasSnapshot: boolean;
  snapshot: SnapshotRef | null;
}

/**
 * Which prebuilds this host has: a row is there before anything of one is, and until nothing of it is left. What whoever builds one
 * notes is refused (false) once others have given it up.
 */
export interface PrebuildStore {
  /** The one of that key, if it is ready and not too old; it is in use from now on. */
  find(key: string): Promise<Prebuild | undefined>;
  /** Whether one of that place was built or found after `since`, in ms since 1970. */
  isServed(place: string, since: number): Promise<boolean>;
  /** Whether whoever asks may build one of that place: nobody else does. */
  begin(prebuild: { prebuildId: string; place: string; provider: string }): Promise<boolean>;
  /** Whether it is worth while: none of that key is ready or being built, and none failed lately. */
  claim(prebuildId: string, key: string): Promise<boolean>;
  /** The provider is about to be asked for a snapshot. */
  beginSnapshot(prebuildId: string): Promise<boolean>;
  keepSnapshot(prebuildId: string, snapshot: SnapshotRef): Promise<boolean>;
  /** It was built, and only the snapshot and the repository of it are left. */
  finish(prebuildId: string): Promise<boolean>;
  /** It could not be built, and is not tried for a while. */
  fail(prebuildId: string): Promise<void>;
  /** Nobody finds it any more. */
  discard(prebuildId: string): Promise<void>;
  /** Discards those that are too old, beyond the `most` used last, failed long ago, or abandoned by whoever built them. */
  discardStale(most: number): Promise<void>;
  /** What was discarded, and whose last finder has made use of it by now. */
  discarded(): Promise<Leftovers[]>;
  /** Nothing of it is left. */
  remove(prebuildId: string): Promise<void>;
}

const MINUTE_MS = 60_000;
/** What lies in a machine grows old: packages get updates. */
const GOOD_FOR_MS = 7 * 24 * 60 * MINUTE_MS;
const ABANDONED_AFTER_MS = 60 * MINUTE_MS;
const NOT_AGAIN_FOR_MS = 60 * MINUTE_MS;
/** Between finding one and having a machine that was made from it. */
const IN_USE_FOR_MS = 5 * MINUTE_MS;

/** Whoever found a ready one is given time; one that was never ready was found by nobody, and may go at once. */
const DISCARD = `UPDATE handoff.prebuilds SET state = 'unwanted',
  unwanted_at = CASE state WHEN 'ready' THEN $2::bigint WHEN 'unwanted' THEN unwanted_at ELSE 0 END`;

export function createPrebuildStore(database: Database, host: string, now: () => number): PrebuildStore {
  /** Of the one that is still being built. */
  async function note(prebuildId: string, change: string, value?: string): Promise<boolean> {
    const { rowCount } = await database.query(
      `UPDATE handoff.prebuilds SET ${change} WHERE prebuild_id = $1 AND state = 'building'`,
      value === undefined ? [prebuildId] : [prebuildId, value],
    );
    return rowCount === 1;
  }

  async function discardStale(most: number): Promise<void> {
    const at = now();
    await database.query(
      `${DISCARD} WHERE host = $1 AND (state = 'ready' AND started_at <= $3
         OR state = 'building' AND started_at <= $4 OR state = 'failed' AND started_at <= $5
         OR prebuild_id IN (SELECT prebuild_id FROM handoff.prebuilds
           WHERE host = $1 AND state = 'ready' ORDER BY used_at DESC OFFSET $6))`,
      [host, at, at - GOOD_FOR_MS, at - ABANDONED_AFTER_MS, at - NOT_AGAIN_FOR_MS, most],
    );
  }

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

    async isServed(place, since) {
      const { rowCount } = await database.query(
        `SELECT 1 FROM handoff.prebuilds WHERE host = $1 AND place = $2 AND state = 'ready' AND used_at > $3 LIMIT 1`,
        [host, place, since],
      );
      return rowCount !== 0;
    },

    async begin({ prebuildId, place, provider }) {
      await discardStale(Number.MAX_SAFE_INTEGER);
      await database.query(
        `INSERT INTO handoff.prebuilds (prebuild_id, host, provider, place, state, started_at, used_at)
         VALUES ($1, $2, $3, $4, 'building', $5, $5) ON CONFLICT DO NOTHING`,
        [prebuildId, host, provider, place, now()],
      );
      // Asked again after a broken connection, the row may be there by the first time.
      const own = await database.query('SELECT 1 FROM handoff.prebuilds WHERE prebuild_id = $1', [
        prebuildId,
      ]);
      return own.rowCount === 1;
    },

    async claim(prebuildId, key) {
      try {
        return await note(prebuildId, 'key = $2', key);
      } catch (error) {
        if (error instanceof pg.DatabaseError && error.constraint === 'prebuilds_by_key') return false;
        throw error;
      }
    },

    beginSnapshot: (prebuildId) => note(prebuildId, 'has_snapshot = true'),
    keepSnapshot: (prebuildId, snapshot) => note(prebuildId, 'snapshot = $2', JSON.stringify(snapshot)),

    async finish(prebuildId) {
      const { rowCount } = await database.query(
        `UPDATE handoff.prebuilds SET state = 'ready', used_at = $2
         WHERE prebuild_id = $1 AND state IN ('building', 'ready')`,
        [prebuildId, now()],
      );
      return rowCount === 1;
    },

    async fail(prebuildId) {
      await database.query(
        `UPDATE handoff.prebuilds SET state = 'failed', started_at = $2 WHERE prebuild_id = $1 AND state = 'building'`,
        [prebuildId, now()],
      );
    },

    async discard(prebuildId) {
      await database.query(`${DISCARD} WHERE prebuild_id = $1`, [prebuildId, now()]);
    },

    discardStale,

    async discarded() {
      const { rows } = await database.query<Leftovers>(
        `SELECT prebuild_id AS "prebuildId", provider, has_snapshot AS "hasSnapshot", snapshot
         FROM handoff.prebuilds WHERE host = $1 AND state = 'unwanted' AND unwanted_at <= $2`,
        [host, now() - IN_USE_FOR_MS],
      );
      return rows;
    },

    async remove(prebuildId) {
      await database.query('DELETE FROM handoff.prebuilds WHERE prebuild_id = $1', [prebuildId]);
    },
  };
}
