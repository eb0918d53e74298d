import type { Logger } from 'pino';
import type { Database } from '../../engine/database.ts';
import { every } from '../../engine/every.ts';
import type { SandboxProvider } from '../sandbox.ts';
import { type Machine, RENEW_MS } from './machine.ts';
import type { MachineStore } from './machine-store.ts';

/** How many are given back at one look. */
const MOST_AT_A_LOOK = 20;
/** How long (ms) one is left alone that its provider did not take. */
const AGAIN_MS = 60_000;

export interface GiveBackDeps {
  database: Database;
  store: MachineStore;
  providerOf: (name: string) => Promise<SandboxProvider>;
  /** Lets go of what this process has of the machine. */
  forget: (taskId: string) => void;
  host: string;
  now: () => number;
  logger: Logger;
}

/** Of task `t`: its work is done, and nobody works in its machine or has to look at what was left there. */
const IS_UNWANTED = `m.unwanted AND NOT t.archived AND t.host = $1 AND NOT EXISTS (SELECT 1 FROM handoff.turns u
  WHERE u.task_id = t.task_id AND (u.state <> 'ended' OR u.aftermath_due))`;

/**
 * Gives machines back whose work is done. One that runs is put to sleep first, by which what is in it is kept; the task stays as it is, and
 * gets a new machine when somebody goes on with it. `resuming` is the intent: whoever wants the machine meanwhile waits, and whoever finds it
 * stale asks the provider what there is.
 * @returns what looks for them once
 */
export function createGiveBack(deps: GiveBackDeps): () => Promise<void> {
  const { database, store, host, now } = deps;
  const leftAlone = new Map<string, number>();

  async function asleep(): Promise<string[]> {
    await database.query(
      `UPDATE handoff.tasks s SET sleep_at = $2 FROM handoff.tasks t JOIN handoff.machines m USING (task_id)
       WHERE s.task_id = t.task_id AND m.state = 'running' AND t.sandbox IS NOT NULL
         AND (s.sleep_at IS NULL OR s.sleep_at > $2) AND ${IS_UNWANTED}`,
      [host, now()],
    );
    const { rows } = await database.query<{ taskId: string }>(
      `SELECT t.task_id AS "taskId" FROM handoff.tasks t JOIN handoff.machines m USING (task_id)
       WHERE m.state NOT IN ('running', 'hibernating', 'resuming', 'provisioning') AND ${IS_UNWANTED} LIMIT $2`,
      [host, MOST_AT_A_LOOK],
    );
    return rows.map(({ taskId }) => taskId);
  }

  async function giveBack(taskId: string): Promise<void> {
    const seen = await store.get(taskId);
    if (seen?.ref && seen.state !== 'lost') {
      // A turn that has begun since has changed the machine, or waits for this.
      const ending = await store.change(taskId, seen, { state: 'resuming', isSilent: true });
      if (!ending || !(await destroyed(ending))) return;
    }
    await database.query('UPDATE handoff.machines SET unwanted = false WHERE task_id = $1', [taskId]);
  }

  async function destroyed(machine: Machine): Promise<boolean> {
    const { taskId, ref } = machine;
    if (ref === null) return false;
    const renewing = every(
      RENEW_MS,
      async () => void (await store.renew(machine)),
      () => {},
    );
    try {
      deps.forget(taskId);
      const provider = await deps.providerOf(ref.provider);
      // Where this relay slept meanwhile, somebody may have woken the machine for a turn.
      if (!(await store.renew(machine))) return false;
      await provider.destroy(ref);
      const given = { state: 'archived', ref: null, detail: 'Given back: its work is done' } as const;
      return (await store.change(taskId, machine, given)) !== undefined;
    } catch (error) {
      await store.change(taskId, machine, { state: 'failed', isSilent: true });
      throw error;
    } finally {
      void renewing.stop();
    }
  }

  return async () => {
    for (const taskId of await asleep()) {
      if ((leftAlone.get(taskId) ?? 0) > now()) continue;
      try {
        await giveBack(taskId);
        leftAlone.delete(taskId);
      } catch (error) {
        leftAlone.set(taskId, now() + AGAIN_MS);
        deps.logger.warn({ taskId, err: error }, 'a machine could not be given back');
      }
    }
  };
}
