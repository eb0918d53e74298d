import type pg from 'pg';
import type { Database } from '../engine/database.ts';
import { seal, unseal } from '../environment/seal.ts';
import type { VaultKey } from '../environment/vault-key.ts';
import type { Unattended } from '../protocol/unattended.ts';

/** What is to be opened, with nothing left open but the words. */
export type DepositPlan = NonNullable<Unattended['plan']>;

/** A token that a person left for one task, and where it stands; never the token itself. */
export interface Deposit {
  taskId: string;
  depositId: string;
  plan: DepositPlan;
  /** Milliseconds since 1970. */
  until: number;
  /** How often a publication was tried with it and failed. */
  attempt: number;
  /** The publication that is under way with it, and the tree that this is about. */
  publishId: string | null;
  accepted: string | null;
}

/** One that is to be looked at after that turn, the last of its task. */
export interface DueDeposit extends Deposit {
  lastTurn: string | null;
}

/** Why a token is to be destroyed unused. `opened`: the person opened the pull request themselves. */
export type Over = 'archived' | 'expired' | 'opened';

/** The tokens that people left. A row is there as long as its token, sealed, and no longer. */
export interface Deposits {
  find(taskId: string): Promise<Deposit | undefined>;
  /** Those that may be made use of now, on this machine: a turn has ended that was not looked at, or a publication is to go on. */
  due(host: string): Promise<DueDeposit[]>;
  /** Those that are of no use any more, on any machine. */
  over(): Promise<(Deposit & { why: Over })[]>;
  /** That turn, the last to have ended when it was looked at, left nothing that may be opened. */
  passOver(deposit: DueDeposit): Promise<void>;
  /** It is not to be looked at before then. */
  wait(deposit: Deposit, nextAt: number): Promise<void>;
  /** The publication that was tried has failed; another may be tried from then on. */
  tryAgain(deposit: Deposit, nextAt: number): Promise<void>;
  /** The token that this publication may use; undefined where none was left for it, or its time is over. */
  tokenFor(publishId: string): Promise<string | undefined>;
}

type Client = Pick<pg.PoolClient, 'query'>;

const COLUMNS = `d.task_id AS "taskId", d.deposit_id AS "depositId", d.plan, d.until::float8 AS until, d.attempt,
  d.publish_id AS "publishId", d.accepted`;

/** Of task `t`: its last turn. */
const LAST_TURN =
  '(SELECT u.turn_id FROM handoff.turns u WHERE u.task_id = t.task_id ORDER BY u.place DESC LIMIT 1)';

/** Whether the task's pull request was opened since, with another token than this. Keys are compared byte by byte. */
const OPENED_SINCE = `EXISTS (
  SELECT 1 FROM handoff.events armed JOIN handoff.events opened USING (task_id)
  WHERE armed.task_id = d.task_id AND armed.key = ('unattended:' || d.deposit_id || ':armed') COLLATE "C"
    AND opened.type = 'publish.opened' AND opened.seq > armed.seq
    AND NOT starts_with(opened.key, (d.deposit_id || '-') COLLATE "C"))`;

const about = (taskId: string, depositId: string): string[] => ['unattended', taskId, depositId];

export function createDeposits(deps: {
  database: Database;
  key: () => Promise<VaultKey>;
  now: () => number;
}): Deposits {
  const { database, now } = deps;
  return {
    async find(taskId) {
      const { rows } = await database.query<Deposit>(
        `SELECT ${COLUMNS} FROM handoff.deposits d WHERE d.task_id = $1 AND d.until > $2`,
        [taskId, now()],
      );
      return rows[0];
    },

    async due(host) {
      const { rows } = await database.query<DueDeposit>({
        name: 'deposits-due',
        text: `SELECT ${COLUMNS}, ${LAST_TURN} AS "lastTurn" FROM handoff.deposits d JOIN handoff.tasks t USING (task_id)
               WHERE t.host = $1 AND NOT t.archived AND d.until > $2 AND d.next_at <= $2
                 AND (d.publish_id IS NOT NULL OR d.passed_over IS DISTINCT FROM ${LAST_TURN} AND NOT EXISTS (
                   SELECT 1 FROM handoff.turns u
                   WHERE u.task_id = t.task_id AND (u.state <> 'ended' OR u.aftermath_due)))`,
        values: [host, now()],
      });
      return rows;
    },

    async over() {
      const { rows } = await database.query<Deposit & { why: Over }>({
        name: 'deposits-over',
        text: `SELECT * FROM (
                 SELECT ${COLUMNS}, CASE WHEN t.archived THEN 'archived' WHEN d.until <= $1 THEN 'expired'
                   WHEN ${OPENED_SINCE} THEN 'opened' END AS why
                 FROM handoff.deposits d JOIN handoff.tasks t USING (task_id)) AS looked_at
               WHERE why IS NOT NULL`,
        values: [now()],
      });
      return rows;
    },

    async passOver({ depositId, lastTurn }) {
      await database.query('UPDATE handoff.deposits SET passed_over = $2 WHERE deposit_id = $1', [
        depositId,
        lastTurn,
      ]);
    },

    async wait({ depositId }, nextAt) {
      await database.query('UPDATE handoff.deposits SET next_at = $2 WHERE deposit_id = $1', [
        depositId,
        nextAt,
      ]);
    },

    async tryAgain({ depositId, attempt }, nextAt) {
      await database.query(
        `UPDATE handoff.deposits SET publish_id = NULL, accepted = NULL, attempt = $2 + 1, next_at = $3
         WHERE deposit_id = $1 AND attempt = $2`,
        [depositId, attempt, nextAt],
      );
    },

    async tokenFor(publishId) {
      const { rows } = await database.query<{ taskId: string; depositId: string; sealed: Buffer }>(
        `SELECT task_id AS "taskId", deposit_id AS "depositId", sealed FROM handoff.deposits
         WHERE publish_id = $1 AND until > $2`,
        [publishId, now()],
      );
      const [row] = rows;
      return row && unseal(await deps.key(), row.sealed, about(row.taskId, row.depositId));
    },
  };
}

/** Keeps a token, sealed for this one task. In the transaction that tells of it. */
export async function putDeposit(
  client: Client,
  key: VaultKey,
  deposit: Pick<Deposit, 'taskId' | 'depositId' | 'plan' | 'until'> & { token: string },
): Promise<void> {
  const { taskId, depositId, plan, until, token } = deposit;
  await client.query(
    'INSERT INTO handoff.deposits (task_id, deposit_id, sealed, plan, until) VALUES ($1, $2, $3, $4, $5)',
    [taskId, depositId, seal(key, token, about(taskId, depositId)), JSON.stringify(plan), until],
  );
}

/** The task's token, also one whose time is over, which is there until that was told. The task is held meanwhile. */
export async function depositOf(client: Client, taskId: string): Promise<Deposit | undefined> {
  const { rows } = await client.query<Deposit>(
    `SELECT ${COLUMNS} FROM handoff.deposits d WHERE d.task_id = $1`,
    [taskId],
  );
  return rows[0];
}

/**
 * Notes that a publication makes use of it. In the transaction that accepts what is published.
 * @returns false where it is gone, or another relay has made use of it since it was looked at
 */
export async function claimDeposit(
  client: Client,
  { depositId, attempt }: Pick<Deposit, 'depositId' | 'attempt'>,
  { publishId, accepted }: { publishId: string; accepted: string },
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE handoff.deposits SET publish_id = $3, accepted = $4
     WHERE deposit_id = $1 AND attempt = $2 AND publish_id IS NULL`,
    [depositId, attempt, publishId, accepted],
  );
  return rowCount === 1;
}

/** Destroys the token. In the transaction that tells of it. @returns false where it is gone already */
export async function removeDeposit(client: Client, depositId: string): Promise<boolean> {
  const { rowCount } = await client.query('DELETE FROM handoff.deposits WHERE deposit_id = $1', [depositId]);
  return rowCount === 1;
}
