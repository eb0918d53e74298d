import type { Database } from '../../engine/database.ts';
import type { SandboxRef, SnapshotRef } from '../sandbox.ts';

/** What forks that begin at once are copies of: their parent's machine as it was at one moment. */
export interface Origin {
  originId: string;
  taskId: string;
  turnId: string;
  provider: string;
  /** Null until the provider has said. */
  snapshot: SnapshotRef | null;
}

/** An agent's own copy of a machine. */
export interface ForkRow {
  agentId: string;
  forkId: string;
  ref: SandboxRef | null;
  origin: Origin;
}

/** For whom a fork is, and of whom. */
export interface ForkOrder {
  taskId: string;
  turnId: string;
  agentId: string;
  /** Names those that begin at once. */
  group: string;
}

/** Which forks this host has: a row is there before anything of one is, and until nothing of it is left. */
export interface ForkStore {
  find(agentId: string): Promise<ForkRow | undefined>;
  /**
   * Notes a fork that is to be made. It shares the origin of others of its group as long as one of them works: who comes later finds
   * what those before it did. @param originId a new one's, where there is none to share
   */
  begin(
    order: ForkOrder,
    names: { forkId: string; originId: string; provider: string },
  ): Promise<ForkRow | undefined>;
  keepSnapshot(originId: string, snapshot: SnapshotRef): Promise<void>;
  keepRef(agentId: string, ref: SandboxRef): Promise<void>;
  /** Nothing of the fork is left. @returns its origin, where that has no other */
  remove(agentId: string): Promise<Origin | undefined>;
  /** Nothing of the origin is left. */
  removeOrigin(originId: string): Promise<void>;
  /** All of a task's, whoever works there. */
  ofTask(taskId: string): Promise<ForkRow[]>;
  /** Those whose turns are over, and origins that nobody shares any more. */
  leftovers(): Promise<{ forks: ForkRow[]; origins: Origin[] }>;
  /** Those whose turns wait for the person. */
  idle(): Promise<ForkRow[]>;
}

const ORIGIN = `o.origin_id AS "originId", o.task_id AS "taskId", o.turn_id AS "turnId", o.provider, o.snapshot`;
const FORK = `SELECT f.agent_id AS "agentId", f.fork_id AS "forkId", f.ref, ${ORIGIN}
  FROM handoff.forks f JOIN handoff.fork_origins o USING (origin_id)`;
/** A turn that is not there went with its task. */
const IS_OVER = `NOT EXISTS (SELECT 1 FROM handoff.turns u WHERE u.turn_id = o.turn_id AND u.state <> 'ended')`;

type Flat = Omit<ForkRow, 'origin'> & Origin;
const rowOf = ({ agentId, forkId, ref, ...origin }: Flat): ForkRow => ({ agentId, forkId, ref, origin });

export function createForkStore(database: Database, host: string): ForkStore {
  const find = async (agentId: string): Promise<ForkRow | undefined> => {
    const { rows } = await database.query<Flat>(`${FORK} WHERE f.agent_id = $1`, [agentId]);
    return rows[0] && rowOf(rows[0]);
  };
  return {
    find,

    async begin({ taskId, turnId, agentId, group }, { forkId, originId, provider }) {
      await database.transaction(async (client) => {
        // Whoever gives up an origin, or shares it, does so one after the other.
        await client.query('SELECT 1 FROM handoff.tasks WHERE task_id = $1 FOR UPDATE', [taskId]);
        const shared = await client.query<{ originId: string }>(
          `SELECT origin_id AS "originId" FROM handoff.fork_origins o
           WHERE turn_id = $1 AND group_name = $2
             AND EXISTS (SELECT 1 FROM handoff.forks f WHERE f.origin_id = o.origin_id)`,
          [turnId, group],
        );
        const own = shared.rows[0]?.originId ?? originId;
        await client.query(
          `INSERT INTO handoff.fork_origins (origin_id, task_id, turn_id, group_name, host, provider)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
          [own, taskId, turnId, group, host, provider],
        );
        await client.query(
          'INSERT INTO handoff.forks (agent_id, fork_id, origin_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
          [agentId, forkId, own],
        );
      });
      return find(agentId);
    },

    async keepSnapshot(originId, snapshot) {
      await database.query('UPDATE handoff.fork_origins SET snapshot = $2 WHERE origin_id = $1', [
        originId,
        JSON.stringify(snapshot),
      ]);
    },

    async keepRef(agentId, ref) {
      await database.query('UPDATE handoff.forks SET ref = $2 WHERE agent_id = $1', [
        agentId,
        JSON.stringify(ref),
      ]);
    },

    async remove(agentId) {
      const fork = await find(agentId);
      if (!fork) return undefined;
      return database.transaction(async (client) => {
        await client.query('SELECT 1 FROM handoff.tasks WHERE task_id = $1 FOR UPDATE', [fork.origin.taskId]);
        await client.query('DELETE FROM handoff.forks WHERE agent_id = $1', [agentId]);
        const { rows } = await client.query<Origin>(
          `SELECT ${ORIGIN} FROM handoff.fork_origins o WHERE origin_id = $1
             AND NOT EXISTS (SELECT 1 FROM handoff.forks f WHERE f.origin_id = o.origin_id)`,
          [fork.origin.originId],
        );
        return rows[0];
      });
    },

    async removeOrigin(originId) {
      await database.query('DELETE FROM handoff.fork_origins WHERE origin_id = $1', [originId]);
    },

    async ofTask(taskId) {
      return (await database.query<Flat>(`${FORK} WHERE o.task_id = $1`, [taskId])).rows.map(rowOf);
    },

    async leftovers() {
      const forks = await database.query<Flat>(`${FORK} WHERE o.host = $1 AND ${IS_OVER}`, [host]);
      const origins = await database.query<Origin>(
        `SELECT ${ORIGIN} FROM handoff.fork_origins o WHERE o.host = $1
           AND NOT EXISTS (SELECT 1 FROM handoff.forks f WHERE f.origin_id = o.origin_id)`,
        [host],
      );
      return { forks: forks.rows.map(rowOf), origins: origins.rows };
    },

    async idle() {
      const { rows } = await database.query<Flat>(
        `${FORK} WHERE o.host = $1 AND f.ref IS NOT NULL
           AND EXISTS (SELECT 1 FROM handoff.turns u WHERE u.turn_id = o.turn_id AND u.state = 'parked')`,
        [host],
      );
      return rows.map(rowOf);
    },
  };
}
