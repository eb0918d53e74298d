import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { every } from '../engine/every.ts';
import { createGiveBack } from '../sandbox/lifecycle/give-back.ts';
import { createRest } from '../sandbox/lifecycle/rest.ts';
import { removeStrays } from '../sandbox/lifecycle/strays.ts';
import { createMachineWatch } from '../sandbox/lifecycle/watch.ts';
import type { Teardown } from '../teardown.ts';
import type { Storage } from './storage.ts';
import type { Workplace } from './workplace.ts';

/** How often (ms) to look who may sleep, whose provider is to be asked, and what turns and others left that nobody uses any more. */
const REST_MS = 1000;
const WATCH_MS = 10_000;
const FORKS_MS = 5000;
const LEFTOVERS_MS = 10 * 60_000;

/** From now on this host's machines fall asleep when nobody needs them, and are looked after. */
export function watchMachines(
  config: Config,
  logger: Logger,
  teardown: Teardown,
  { patient: database, turnLog, host, now }: Storage,
  { providers, contents, machineStore: store, sessions, prebuilds, forks, around }: Workplace,
  { stopTurn }: { stopTurn: (taskId: string) => Promise<void> },
): void {
  const shared = { database, store, providerOf: providers.of, forget: sessions.forget, host, now, logger };
  const rest = createRest({ ...shared, contents });
  const watch = createMachineWatch({
    ...shared,
    rest,
    tell: (taskId, event) => turnLog.append(taskId, null, [event]),
    stopTurn,
    lifetimeMs: config.sandbox.lifetimeMs,
  });
  const complain = (error: unknown): void =>
    logger.warn({ err: error }, 'sandboxes could not be looked after');
  /** Certain only of tasks that this database has, or had and removed: others may use the same servers. */
  const isGone = async (taskId: string): Promise<boolean> => {
    const { rowCount } = await database.query(
      `SELECT 1 FROM handoff.tasks WHERE task_id = $1 AND archived
       UNION ALL SELECT 1 FROM handoff.removed_tasks WHERE task_id = $1`,
      [taskId],
    );
    return rowCount !== 0;
  };
  const looks = [
    every(REST_MS, rest.sweep, complain),
    every(REST_MS, createGiveBack(shared), complain),
    every(WATCH_MS, watch, complain),
    every(FORKS_MS, forks.sweep, complain),
    every(LEFTOVERS_MS, prebuilds.sweep, complain),
    every(LEFTOVERS_MS, () => around.environment.reap(isGone), complain),
    every(LEFTOVERS_MS, () => removeStrays(providers.current, isGone), complain),
  ];
  for (const look of looks) teardown.add(() => void look.stop());
  teardown.add(() => prebuilds.close());
}
