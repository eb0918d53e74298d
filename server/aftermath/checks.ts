import { every } from '../engine/every.ts';
import type { Notices } from '../engine/notices.ts';
import type { CheckOutcome } from '../protocol/events.ts';
import { type CheckConfig, REPOSITORY_CONFIG, readRepositoryConfig } from '../protocol/repository-config.ts';
import { type BoundedOutput, type ExecResult, type Sandbox, SandboxError } from '../sandbox/sandbox.ts';
import type { EventLog, KeyedEvent } from '../tasks/event-log.ts';
import { workspaceTreeOf } from '../tasks/next-proposal.ts';
import type { TaskStates } from '../tasks/task-states.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { EndedTurn } from './store.ts';
import { checkPrefix, type LeftWorkspaces } from './workspace.ts';

/** What is to be checked, by these commands. */
export interface CheckPlan {
  /** What the workspace holds: the agent's work, though the person may have edited the proposal since. */
  headTree: string;
  checks: CheckConfig[];
}

/** The repository's own checks on what a turn left. Every function may be repeated. */
export interface Checks {
  /** Undefined where there is nothing to check. A configuration that cannot be read is a check that failed. */
  plan(turn: EndedTurn): Promise<CheckPlan | undefined>;
  /**
   * Runs one, or attaches to it, and tells of it. `cancelled` where the task has gone on: within a second, and before the
   * agent's first tool in all likelihood.
   */
  run(turn: EndedTurn, index: number, check: CheckConfig, tree: string): Promise<CheckOutcome>;
}

export interface ChecksDeps {
  workspaces: Pick<LeftWorkspaces, 'sandboxOf'>;
  store: Pick<TaskStore, 'get'>;
  states: TaskStates;
  log: Pick<EventLog, 'append' | 'find'>;
  notices: Notices;
}

/** Bytes of the file, and of what a check printed, that are read. */
const MAX_CONFIG = 64 * 1024;
const MAX_OUTPUT = 32 * 1024;
/** A notice may be lost; looking this often (ms) bounds what that costs. */
const LOOK_ANYWAY_MS = 900;

/** Output in the order in which it came, and no program that waits for somebody to watch. */
const BOTH_STREAMS = 'exec bash -c "$1" 2>&1';
const CHECK_ENV = { CI: 'true' };

export function createChecks(deps: ChecksDeps): Checks {
  const { workspaces, store, log } = deps;

  const hasGoneOn = async (taskId: string): Promise<boolean> => {
    const row = await store.get(taskId);
    if (row === undefined || row.archived || row.activeTurn !== null) return true;
    // Also back: what the workspace holds is nobody's work any more.
    return (await deps.states.current(taskId)).isWorkspacePast === true;
  };

  const tell = async (taskId: string, ...events: KeyedEvent[]): Promise<void> => {
    await log.append(taskId, null, events);
  };

  /** Tells of a configuration that cannot be read, as a check that failed. */
  async function tellBroken({ taskId, turnId }: EndedTurn, problem: string): Promise<void> {
    const key = `${checkPrefix(turnId)}config`;
    const name = REPOSITORY_CONFIG;
    const output = `${problem}\nMend ${REPOSITORY_CONFIG}, so that its checks can run.`;
    await tell(
      taskId,
      {
        key: `${key}:started`,
        event: { type: 'check.started', turnId, name, command: `read ${REPOSITORY_CONFIG}` },
      },
      {
        key: `${key}:finished`,
        event: { type: 'check.finished', turnId, name, outcome: 'failed', output, durationMs: 0 },
      },
    );
  }

  /** Runs the command until it ends, or the task goes on. */
  async function execute(
    turn: EndedTurn,
    index: number,
    { command, timeoutMs }: CheckConfig,
  ): Promise<{ outcome: CheckOutcome; output: string; durationMs: number }> {
    const { taskId, turnId } = turn;
    const gone = new AbortController();
    const look = async (): Promise<void> => {
      if (await hasGoneOn(taskId)) gone.abort();
    };
    const wake = (): void => void look().catch(() => {});
    const unsubscribe = deps.notices.subscribe(taskId, wake);
    const looks = every(LOOK_ANYWAY_MS, look, () => {});
    try {
      await look();
      const sandbox = await workspaces.sandboxOf(turn);
      if (!sandbox) return { outcome: 'cancelled', output: '', durationMs: 0 };
      const result = await sandbox.exec(
        {
          execId: `${checkPrefix(turnId)}${index}`,
          argv: ['bash', '-c', BOTH_STREAMS, 'check', command],
          env: CHECK_ENV,
          timeoutMs,
          maxOutputBytes: MAX_OUTPUT,
        },
        { signal: gone.signal },
      );
      const hasPassed = result.reason === 'exit' && result.exitCode === 0;
      const wasCancelled =
        result.reason !== 'exit' && (result.reason === 'cancelled' || (await hasGoneOn(taskId)));
      return {
        outcome: hasPassed ? 'passed' : wasCancelled ? 'cancelled' : 'failed',
        output: describe(result, timeoutMs),
        durationMs: Math.round(result.durationMs),
      };
    } catch (error) {
      // A check that was begun is told the end of, whatever came: an archived task's sandbox is destroyed under the command.
      const outcome = (await hasGoneOn(taskId)) ? 'cancelled' : 'failed';
      const why =
        error instanceof SandboxError ? error.message : 'it could not be run; the relay log says more';
      return { outcome, output: `[${why}]`, durationMs: 0 };
    } finally {
      unsubscribe();
      void looks.stop();
    }
  }

  return {
    async plan(turn) {
      const { taskId, turnId } = turn;
      const ended = await log.find(taskId, `${turnId}:ended`);
      if (ended?.type !== 'turn.ended' || ended.outcome !== 'completed') return undefined;
      const state = await deps.states.current(taskId);
      const { proposal } = state;
      if (proposal === undefined || proposal.headTree === proposal.baseTree) return undefined;
      if (await hasGoneOn(taskId)) return undefined;
      const sandbox = await workspaces.sandboxOf(turn);
      const text = sandbox && (await readConfig(sandbox));
      if (text === undefined) return undefined;
      const read =
        text instanceof SandboxError
          ? { ok: false as const, problem: text.message }
          : readRepositoryConfig(text);
      if (!read.ok) {
        await tellBroken(turn, read.problem);
        return undefined;
      }
      const { checks } = read.config;
      return checks.length === 0
        ? undefined
        : { headTree: workspaceTreeOf(state, proposal.baseTree), checks };
    },

    async run(turn, index, check, tree) {
      const { taskId, turnId } = turn;
      const { name, command } = check;
      const key = `${checkPrefix(turnId)}${index}`;
      const recorded = await log.find(taskId, `${key}:finished`);
      if (recorded?.type === 'check.finished') return recorded.outcome;
      const wasStarted = (await log.find(taskId, `${key}:started`)) !== undefined;
      if (!wasStarted && (await hasGoneOn(taskId))) return 'cancelled';
      const started = { type: 'check.started' as const, turnId, name, command, tree };
      await tell(taskId, { key: `${key}:started`, event: started });
      const result = await execute(turn, index, check);
      await tell(taskId, {
        key: `${key}:finished`,
        event: { type: 'check.finished', turnId, name, ...result },
      });
      return result.outcome;
    },
  };
}

/** The file's text, undefined where there is no file, and what the sandbox says where it is none that can be read. */
async function readConfig(sandbox: Sandbox): Promise<string | SandboxError | undefined> {
  try {
    const { data, size } = await sandbox.readFile(REPOSITORY_CONFIG, { offset: 0, length: MAX_CONFIG });
    if (size > MAX_CONFIG) return new SandboxError('too-large', `It is larger than ${MAX_CONFIG} bytes.`);
    return new TextDecoder().decode(data);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    if (error.code === 'not-found') return undefined;
    if (error.code === 'lost' || error.code === 'unavailable') throw error;
    return error;
  }
}

/** The end of what was printed, and how it ended if not by itself. */
function describe({ stdout, stderr, exitCode, reason, durationMs }: ExecResult, timeoutMs: number): string {
  const ending = {
    exit: exitCode === null ? '[ended by a signal]' : exitCode === 0 ? '' : `[exit code ${exitCode}]`,
    timeout: `[stopped after ${timeoutMs} ms: still running]`,
    cancelled: `[stopped after ${(durationMs / 1000).toFixed(1)} s: the task went on]`,
    lost: '[the sandbox was lost while this ran: how it would have ended is unknown]',
  }[reason];
  return [endOf(stdout), endOf(stderr), ending].filter((part) => part !== '').join('\n');
}

function endOf({ head, tail, omittedBytes }: BoundedOutput): string {
  const whole = omittedBytes === 0 ? Buffer.concat([head, tail]) : tail;
  const text = new TextDecoder().decode(whole).replace(/\n+$/, '');
  return omittedBytes === 0 ? text : `[${omittedBytes + head.byteLength} bytes left out]\n${text}`;
}
