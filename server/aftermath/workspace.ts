import { setTimeout as delay } from 'node:timers/promises';
import type { TurnRepo } from '../agent/turn-context.ts';
import { settingKey } from '../agent/workspace-step.ts';
import { createTurnstile } from '../engine/turnstile.ts';
import type { TaskState, Turn } from '../protocol/task.ts';
import { isSetBy } from '../repo/set-workspace.ts';
import type { SandboxKeeper } from '../sandbox/lifecycle/machines.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { EventLog } from '../tasks/event-log.ts';
import { foundInWorkspace, workspaceTreeOf } from '../tasks/next-proposal.ts';
import type { HeldTask, HoldTask } from '../tasks/task-hold.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { EndedTurn } from './store.ts';

/** What a turn left in its sandbox. Every function may be repeated. */
export interface LeftWorkspaces {
  /** The sandbox that the turn worked in; undefined where it had none ready, or the task has given it back. */
  sandboxOf(turn: EndedTurn): Promise<Sandbox | undefined>;
  /** Ends what the turn left running, and brings the proposal up to what the workspace holds. */
  capture(turn: EndedTurn): Promise<void>;
  /** Takes out of workspace and proposal what checks of the turn wrote, unless the agent works again by now. */
  restore(turn: EndedTurn, headTree: string): Promise<void>;
}

export interface LeftWorkspacesDeps {
  hold: HoldTask;
  store: Pick<TaskStore, 'get'>;
  log: Pick<EventLog, 'findAll'>;
  sandboxes: Pick<SandboxKeeper, 'wake'>;
  repo: Pick<TurnRepo, 'capture' | 'changedBlobs' | 'changedFiles' | 'merge' | 'settingOf'>;
  /** Fails where something else than `note` is noted in the sandbox by now. */
  restoreWorkspace: (sandbox: Sandbox, tree: string, guard: { note: string }) => Promise<void>;
}

/** How often what fails is tried, and how long (ms) after. */
const TRIES = 3;
const PAUSE_MS = 500;
/** How long (ms) a command may take while its task is held: whoever sends a message waits for that. */
const HELD_MS = 30_000;
/** How many tasks are held at once: each takes a database connection, and processor time from the turns that run. */
const HELD_AT_ONCE = 4;

/** Begins the ids of the commands that check what the turn left. */
export const checkPrefix = (turnId: string): string => `${turnId}:check:`;

/**
 * A turn appends `tool.started` before a tool acts, and nobody appends to the log of a task that is held. So while it is held, and no
 * tool has started since the turn that ended, the workspace is the holder's alone.
 */
export function createLeftWorkspaces(deps: LeftWorkspacesDeps): LeftWorkspaces {
  const { store, repo } = deps;
  const inTurn = createTurnstile(HELD_AT_ONCE);
  const hold = (taskId: string, work: (task: HeldTask) => Promise<void>): Promise<void> =>
    severalTimes(() => inTurn(() => deps.hold(taskId, work)));

  /** What the turn worked on; undefined where there is nothing that it could have changed. */
  async function open({ taskId }: EndedTurn): Promise<{ sandbox: Sandbox; baseTree: string } | undefined> {
    const row = await store.get(taskId);
    if (!row?.sandbox || !row.prepared || row.archived) return undefined;
    const sandbox = await deps.sandboxes.wake(taskId);
    return sandbox && { sandbox, baseTree: row.prepared.baseTree };
  }

  /** Says what is new in a workspace that holds `tree`. */
  async function propose(task: HeldTask, turnId: string, baseTree: string, tree: string): Promise<void> {
    const keys = `${turnId}:proposal:after:${task.state.seq}`;
    const events = await foundInWorkspace(repo, task.state, { baseTree, tree, keys });
    if (events.length > 0) await task.append(events);
  }

  return {
    sandboxOf: async (turn) => (await open(turn))?.sandbox,

    async capture(turn) {
      const { taskId, turnId } = turn;
      // Its checks have begun, in an earlier run of this or an earlier version: what they wrote is none of the agent's.
      if ((await deps.log.findAll(taskId, checkPrefix(turnId))).length > 0) return;
      const opened = await open(turn);
      if (!opened) return;
      const { sandbox, baseTree } = opened;
      // The commands of its tools, but not its checks: those may be under way, begun by an earlier run of this.
      await sandbox.killAll(`${turnId}:m`);
      await hold(taskId, async (task) => {
        // Whoever goes on captures, too.
        if (task.activeTurn !== null || task.archived) return;
        const known = workspaceTreeOf(task.state, baseTree);
        const { headTree } = await repo.capture(taskId, whileHeld(sandbox, task), known);
        await propose(task, turnId, baseTree, headTree);
      });
    },

    async restore(turn, headTree) {
      const { taskId, turnId } = turn;
      const opened = await open(turn);
      if (!opened) return;
      const { sandbox, baseTree } = opened;
      await sandbox.killAll(checkPrefix(turnId));
      await hold(taskId, async (task) => {
        const later = laterTurns(task.state, turnId);
        if (task.archived || task.state.isWorkspacePast || !later || hasActed(later)) return;
        const held = whileHeld(sandbox, task);
        // Again while it is held: a turn that begins notes that it works there, and acts once the task is let go.
        const isBack = await severalTimes(async () => {
          const note = await repo.settingOf(held);
          // A turn that followed was given other files, which checks are not to undo; or is given them just now. That the database answers
          // says that the task was still held when the note was read.
          const set = await task.written(later.map(settingKey));
          if (set.size > 0 || later.some((turn) => isSetBy(note, turn.turnId))) return false;
          const found = await repo.capture(taskId, held, headTree);
          if (found.headTree !== headTree) await deps.restoreWorkspace(held, headTree, { note });
          return true;
        });
        if (!isBack) return;
        // A turn that came and went without a tool may have taken what a check wrote for the agent's.
        await propose(task, turnId, baseTree, headTree);
      });
    },
  };
}

/** Whether the agent did anything in them: then nobody can tell what a check wrote from what the agent did. */
const hasActed = (later: readonly Turn[]): boolean =>
  later.some(({ items }) => items.some(({ kind }) => kind === 'tool'));

/** The turns that followed; undefined where the turn itself was gone back over. */
function laterTurns({ turns }: TaskState, turnId: string): Turn[] | undefined {
  const index = turns.findIndex((turn) => turn.turnId === turnId);
  return index === -1 ? undefined : turns.slice(index + 1);
}

/**
 * The sandbox for a holder of its task: nothing takes long, and where a turn is active nothing of others is killed, for it may be
 * the turn's own capture.
 */
function whileHeld(sandbox: Sandbox, { activeTurn }: HeldTask): Sandbox {
  return {
    ...sandbox,
    exec: (request, options) => sandbox.exec(request, { ...options, signal: AbortSignal.timeout(HELD_MS) }),
    async killAll(prefix) {
      if (activeTurn !== null) throw new Error('the workspace is being captured by a turn');
      await sandbox.killAll(prefix);
    },
  };
}

async function severalTimes<T>(work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (tried === TRIES) throw error;
      await delay(PAUSE_MS);
    }
  }
}
