import type { Logger } from 'pino';
import type { Database } from '../../engine/database.ts';
import { createTurnstile } from '../../engine/turnstile.ts';
import type { KeyedEvent } from '../../tasks/event-log.ts';
import type { SandboxProvider } from '../sandbox.ts';
import { type Machine, reconciled, STALE_MS } from './machine.ts';
import type { MachineStore } from './machine-store.ts';
import type { Rest } from './rest.ts';

/** How often (ms) the provider is asked about a machine that runs, and about one that does not. */
const RUNNING_MS = 60_000;
const RESTING_MS = 10 * 60_000;
/** How many are looked at in a sweep. */
const MOST_AT_A_LOOK = 50;
/** So that a provider that is slow does not keep the others. */
const AT_ONCE = 4;

export interface WatchDeps {
  database: Database;
  store: MachineStore;
  rest: Pick<Rest, 'finish'>;
  providerOf: (name: string) => Promise<SandboxProvider>;
  /** Lets go of what this process has of the machine. */
  forget: (taskId: string) => void;
  tell: (taskId: string, event: KeyedEvent) => Promise<unknown>;
  /** Asks the task's turn to stop. */
  stopTurn: (taskId: string) => Promise<void>;
  host: string;
  /** How long (ms) a machine may run without a rest. */
  lifetimeMs: number;
  now: () => number;
  logger: Logger;
}

interface Seen {
  taskId: string;
  isWorking: boolean;
  runsSince: number | null;
}

/**
 * Holds what the relay believes of this host's machines against what their providers say, as the providers' word is the truth: they are
 * stopped, deleted and started by others, too. One that a turn works in is kept alive instead, and the turn finds out by itself.
 */
export function createMachineWatch(deps: WatchDeps): () => Promise<void> {
  const { database, store, now, logger } = deps;
  const inTurn = createTurnstile(AT_ONCE);

  async function due(): Promise<Seen[]> {
    const at = now();
    const { rows } = await database.query<Seen>({
      name: 'machines-to-check',
      text: `WITH due AS (
               SELECT m.task_id FROM handoff.machines m JOIN handoff.tasks t USING (task_id)
               WHERE t.host = $1 AND NOT t.archived AND t.sandbox IS NOT NULL AND m.state NOT IN ('lost', 'provisioning')
                 AND CASE WHEN m.state IN ('hibernating', 'resuming') THEN m.changed_at < $2 AND m.checked_at < $2
                          WHEN m.state = 'running' THEN m.checked_at < $3 ELSE m.checked_at < $4 END
               ORDER BY m.checked_at LIMIT $5 FOR UPDATE OF m SKIP LOCKED
             ) UPDATE handoff.machines m SET checked_at = $6 FROM due WHERE m.task_id = due.task_id
             RETURNING m.task_id AS "taskId", m.runs_since::float8 AS "runsSince", EXISTS (
               SELECT 1 FROM handoff.turns u WHERE u.task_id = m.task_id AND u.state = 'running') AS "isWorking"`,
      values: [deps.host, at - STALE_MS, at - RUNNING_MS, at - RESTING_MS, MOST_AT_A_LOOK, at],
    });
    return rows;
  }

  async function look({ taskId, isWorking, runsSince }: Seen): Promise<void> {
    const machine = await store.get(taskId);
    if (!machine?.ref || machine.isArchived) return;
    const provider = await deps.providerOf(machine.ref.provider);
    if (machine.state === 'hibernating') return deps.rest.finish(machine);
    if (isWorking && machine.state === 'running') await provider.keepAlive(machine.ref);
    else await reconcile(machine, provider);
    if (runsSince !== null && runsSince + deps.lifetimeMs < now())
      await endLife(machine, runsSince, isWorking);
  }

  async function reconcile(machine: Machine, provider: SandboxProvider): Promise<void> {
    if (machine.ref === null) return;
    const truth = await provider.state(machine.ref);
    // Nobody carries out this intent any more, so it is as good as what it began with.
    const believed = machine.state === 'resuming' ? 'hibernated' : machine.state;
    const state = reconciled(believed, truth) ?? (believed === machine.state ? undefined : believed);
    if (state === undefined) return;
    deps.forget(machine.taskId);
    logger.info(
      { taskId: machine.taskId, believed: machine.state, truth },
      'a sandbox is not as it was left',
    );
    await store.change(machine.taskId, machine, { state, detail: `The provider says: ${truth}` });
  }

  /** Again at every look, until it sleeps. */
  async function endLife({ taskId }: Machine, runsSince: number, isWorking: boolean): Promise<void> {
    const hours = Math.round(deps.lifetimeMs / 360_000) / 10;
    const text = `The task’s machine has run for ${hours} h without a rest, and hibernates now.`;
    await deps.tell(taskId, { key: `lifetime:${runsSince}`, event: { type: 'environment.noted', text } });
    if (isWorking) await deps.stopTurn(taskId);
    await database.query(
      'UPDATE handoff.tasks SET sleep_at = $2 WHERE task_id = $1 AND active_turn IS NULL AND NOT archived',
      [taskId, now()],
    );
  }

  return async () => {
    const looks = (await due()).map((seen) =>
      inTurn(() => look(seen)).catch((error: unknown) =>
        logger.warn({ taskId: seen.taskId, err: error }, 'a sandbox could not be looked at'),
      ),
    );
    await Promise.all(looks);
  };
}
