import type { Database } from './database.ts';

/** A turn that this relay runs. Whoever takes it over raises its `epoch`, and what is said under an older one is refused. */
export interface Claim {
  taskId: string;
  turnId: string;
  epoch: number;
  /** Of the record that the turn is continued from. */
  format: number;
}

/** The record that this version writes and continues turns from. Raise it when an older version would misread it. */
export const TURN_FORMAT = 1;

/** How many turns may run at once, over all relays that share the database. */
export interface Limits {
  turns: number;
  turnsPerOwner: number;
}

/** A turn that nobody runs although it could go on. */
export interface HeldTurn {
  taskId: string;
  turnId: string;
  epoch: number;
  /** `slot`: as many run as may. `host`: no relay lives on the machine that has its sandbox. */
  cause: 'slot' | 'host';
}

/** Turns pass from relay to relay through these, and through nothing else. */
export interface Claims {
  /**
   * The first waiting turn that this relay may run, which from now on is its own; before that, one that is its own and that it does
   * not run, because the answer to an earlier claim never came.
   * @param mine the turns that this relay runs
   */
  next(mine: readonly string[]): Promise<Claim | undefined>;
  /** Gives a turn back, to be gone on with by whoever claims it next. Nothing happens where it is no longer this relay's. */
  handBack(claim: Claim): Promise<void>;
  /** Gives back what is in the hands of relays that nobody knows any more. */
  releaseLost(): Promise<void>;
  /** Gives back all that a relay had which is dead; from then on it is fenced. @returns how many turns */
  release(relayId: string): Promise<number>;
  /** What has to wait, as seen from this relay's machine. */
  held(): Promise<HeldTurn[]>;
}

/** The channel on which relays hear that there may be something to claim. */
export const QUEUE_CHANNEL = 'queue';

/** The channel on which whoever runs a turn hears that it is to stop, or is no longer theirs. */
export const turnChannel = (turnId: string): string => `turn:${turnId}`;

/**
 * How long (seconds) a relay may be silent: then it is taken for dead although its connection stands (stopped, or its machine asleep),
 * and a machine without another relay for away. `handoff.claim_turn` holds relays to the same.
 */
export const LEASE_S = 10;

export function createClaims(
  database: Database,
  { relayId, host, limits }: { relayId: string; host: string; limits: Limits },
): Claims {
  return {
    async next(mine) {
      const { rows } = await database.query<Claim>({
        name: 'claim-turn',
        text: `SELECT task_id AS "taskId", turn_id AS "turnId", epoch, format FROM handoff.claim_turn($1, $2, $3, $4, $5, $6)`,
        values: [relayId, host, limits.turns, limits.turnsPerOwner, TURN_FORMAT, mine],
      });
      return rows[0];
    },

    async handBack({ turnId, epoch }) {
      await database.query(
        `WITH given AS (
           UPDATE handoff.turns SET state = 'waiting', relay = NULL
           WHERE turn_id = $1 AND epoch = $2 AND state = 'running' RETURNING turn_id
         ) SELECT pg_notify('handoff', '${QUEUE_CHANNEL}') FROM given`,
        [turnId, epoch],
      );
    },

    async releaseLost() {
      await database.query({
        name: 'release-lost',
        text: `WITH freed AS (
                 UPDATE handoff.turns u SET state = 'waiting', relay = NULL, epoch = epoch + 1
                 WHERE u.state = 'running'
                   AND NOT EXISTS (SELECT 1 FROM handoff.relays r WHERE r.relay_id = u.relay)
                 RETURNING turn_id
               ) SELECT pg_notify('handoff', '${QUEUE_CHANNEL}'), pg_notify('handoff', 'turn:' || turn_id) FROM freed`,
      });
    },

    async release(dead) {
      const { rowCount } = await database.query(
        `WITH freed AS (
           UPDATE handoff.turns SET state = 'waiting', relay = NULL, epoch = epoch + 1
           WHERE relay = $1 AND state = 'running' RETURNING turn_id
         ) SELECT pg_notify('handoff', '${QUEUE_CHANNEL}'), pg_notify('handoff', 'turn:' || turn_id) FROM freed`,
        [dead],
      );
      return rowCount ?? 0;
    },

    async held() {
      const { rows } = await database.query<HeldTurn>({
        name: 'held-turns',
        text: `SELECT u.task_id AS "taskId", u.turn_id AS "turnId", u.epoch,
                      CASE WHEN t.host IS NULL OR t.host = $1 THEN 'slot' ELSE 'host' END AS cause
               FROM handoff.turns u JOIN handoff.tasks t USING (task_id)
               WHERE u.state = 'waiting' AND (t.host IS NULL OR t.host = $1 OR NOT EXISTS (
                 SELECT 1 FROM handoff.relays r
                 WHERE r.host = t.host AND r.seen_at > now() - make_interval(secs => $2)))
               ORDER BY u.place`,
        values: [host, LEASE_S],
      });
      return rows;
    },
  };
}
