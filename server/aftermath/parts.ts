import type { Logger } from 'pino';
import type { TurnRepo } from '../agent/turn-context.ts';
import type { Database } from '../engine/database.ts';
import type { Engine, Workflow } from '../engine/durable.ts';
import { every } from '../engine/every.ts';
import type { Notices } from '../engine/notices.ts';
import type { Caps } from '../models/spend.ts';
import type { TaskState } from '../protocol/task.ts';
import type { SandboxKeeper } from '../sandbox/lifecycle/machines.ts';
import { carryDecisions, type DecidingRepo } from '../tasks/accepted-tree.ts';
import { createEventLog } from '../tasks/event-log.ts';
import { createTaskStore } from '../tasks/postgres-store.ts';
import { createTaskHold } from '../tasks/task-hold.ts';
import { createTaskStates } from '../tasks/task-states.ts';
import { createTraces, type Traces, type TracingChoice } from '../tracing/traces.ts';
import { createAftermath, createAftermathStarter } from './aftermath.ts';
import { createChecks } from './checks.ts';
import { createMend } from './mending.ts';
import { notify } from './notify.ts';
import { createAftermathStore, type EndedTurn } from './store.ts';
import { createUsageBook, type UsageBook } from './usage.ts';
import { createLeftWorkspaces, type LeftWorkspacesDeps } from './workspace.ts';

/** What follows a turn's end. */
export interface AfterTurns {
  /** To be registered with the engine. */
  workflow: Workflow<EndedTurn>;
  usage: UsageBook;
  traces: Traces;
  /** From now on looks for what this machine owes. */
  watch(engine: Pick<Engine, 'start' | 'hasEnded'>): {
    /** Begins at once what would be found owed. */
    onEnded: (turn: EndedTurn) => void;
    stop(): Promise<void>;
  };
}

/** How often (ms) to look. */
const LOOK_MS = 1000;

export function createAfterTurns(deps: {
  /** Waits for a database that is away. */
  database: Database;
  notices: Notices;
  /** Shared with whoever else reduces logs. */
  cachedStates: Map<string, TaskState>;
  sandboxes: SandboxKeeper;
  repo: TurnRepo & DecidingRepo;
  restoreWorkspace: LeftWorkspacesDeps['restoreWorkspace'];
  notifyUrl: string | undefined;
  tracing: TracingChoice;
  /** How long (ms) a sandbox may idle. */
  idleMs: number;
  host: string;
  /** What may be spent, as the settings are now. */
  caps: () => Caps;
  now: () => number;
  logger: Logger;
}): AfterTurns {
  const { database, notices, sandboxes, repo, notifyUrl: url, host, now, logger } = deps;
  const log = createEventLog(database, notices, now);
  const store = createTaskStore(database, now);
  const states = createTaskStates(log, deps.cachedStates);
  const aftermaths = createAftermathStore(database);
  const hold = createTaskHold(database, states, now);
  const usage = createUsageBook(database, log, deps.caps, now);
  const traces = createTraces({ log, tracing: deps.tracing, logger });
  const underWay = new Set<string>();
  const { restoreWorkspace, idleMs } = deps;
  const workspaces = createLeftWorkspaces({ hold, store, log, sandboxes, repo, restoreWorkspace });
  const workflow = createAftermath({
    aftermaths,
    workspaces,
    checks: createChecks({ workspaces, store, states, log, notices }),
    mend: createMend({ hold, now }),
    usage,
    carryDecisions: ({ taskId }) => carryDecisions({ hold, repo }, taskId),
    states,
    notify: url === undefined ? undefined : (what) => notify({ url, fetch, logger }, what),
    trace: traces.export,
    underWay,
    now,
    idleMs,
    logger,
  });

  return {
    workflow,
    usage,
    traces,
    watch(engine) {
      const hostOf = async (taskId: string) => (await store.get(taskId))?.host;
      const starter = createAftermathStarter({ engine, aftermaths, hostOf, host, underWay, logger });
      const complain = (error: unknown): void =>
        logger.warn({ err: error }, 'what follows turns could not be looked after');
      const looks = every(LOOK_MS, starter.sweep, complain);
      return {
        onEnded: starter.begin,
        stop: looks.stop,
      };
    },
  };
}
