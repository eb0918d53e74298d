import type { TurnRepo } from '../../agent/turn-context.ts';
import { foundInWorkspace, workspaceTreeOf } from '../../tasks/next-proposal.ts';
import type { HoldTask } from '../../tasks/task-hold.ts';
import type { TaskStates } from '../../tasks/task-states.ts';
import type { TaskStore } from '../../tasks/task-store.ts';
import type { Sandbox, SandboxSpec } from '../sandbox.ts';
import type { Machine } from './machine.ts';

/** What a repository asks for around its workspace. Every function may be repeated. */
export interface Surroundings {
  /** The machine that the task is to have. */
  spec(taskId: string): Promise<SandboxSpec>;
  /**
   * Begins what is to run or lie there, in a machine that was made or woken, once its workspace is filled.
   * @param options `machine` names it among all that the task has had
   */
  ready(taskId: string, sandbox: Sandbox, options: { machine: string; signal: AbortSignal }): Promise<void>;
  /** What the agent should know of the machine that was made ready last, a line each. */
  notes(taskId: string): string[];
  /** What an agent may be shown of a text that came from the machine. */
  hide(taskId: string, text: string): string;
  /** The machine as the agent's commands see it. */
  dress(taskId: string, sandbox: Sandbox): Promise<Sandbox>;
  /** Starts in a copy of the task's machine what runs beside its agents. */
  serve(taskId: string, forkId: string, sandbox: Sandbox, signal: AbortSignal): Promise<void>;
  /** The copy is gone. */
  forgetFork(forkId: string): void;
}

/** What a task has in its machine: how it gets there, whether it is still that, and how it is kept. */
export interface Contents {
  /** Brings a machine to where the task is: fills it where it never had it. Repeatable. */
  bring(
    taskId: string,
    machine: Machine,
    sandbox: Sandbox,
    options: { signal?: AbortSignal | undefined; prebuiltId?: string | undefined },
  ): Promise<void>;
  /** Looks at a machine that has slept: `other` where it is not the task's at all, `mended` where its files had to be put back. */
  check(machine: Machine, sandbox: Sandbox): Promise<'same' | 'mended' | 'other'>;
  /** Keeps what is in the workspace before it sleeps, and tells what is new there. @returns its tree */
  keep(taskId: string, sandbox: Sandbox): Promise<string>;
}

export interface ContentsDeps {
  repo: Pick<TurnRepo, 'checkout' | 'capture' | 'changedBlobs' | 'changedFiles' | 'holds' | 'merge'>;
  restoreWorkspace: (sandbox: Sandbox, tree: string) => Promise<void>;
  store: Pick<TaskStore, 'get' | 'memo'>;
  states: TaskStates;
  hold: HoldTask;
  surroundings: Surroundings;
}

export function createContents({
  repo,
  restoreWorkspace,
  store,
  states,
  hold,
  surroundings,
}: ContentsDeps): Contents {
  return {
    async bring(taskId, { generation }, sandbox, { signal = NEVER, prebuiltId }) {
      // One that was made anew may have the same id.
      const name = `${sandbox.ref.id}${generation === 1 ? '' : `:${generation}`}`;
      // Done once for a machine: checking out again would undo what the agent did since.
      await store.memo(taskId, `checkout:${name}`, async () => {
        // Not the proposal, which the person may have changed since: that comes with the next turn, which is told of it.
        const { workspaceTree } = await states.current(taskId);
        await repo.checkout(taskId, sandbox, workspaceTree, signal, prebuiltId);
        return true;
      });
      await surroundings.ready(taskId, sandbox, { machine: name, signal });
    },

    async check({ taskId, asleepTree }, sandbox) {
      if (!(await repo.holds(taskId, sandbox))) return 'other';
      if (asleepTree === null) return 'same';
      const { headTree } = await repo.capture(taskId, sandbox, asleepTree);
      if (headTree === asleepTree) return 'same';
      await restoreWorkspace(sandbox, asleepTree);
      return 'mended';
    },

    async keep(taskId, sandbox) {
      const baseTree = (await store.get(taskId))?.prepared?.baseTree;
      if (baseTree === undefined) throw new Error('a machine that was never filled has nothing to keep');
      const known = workspaceTreeOf(await states.current(taskId), baseTree);
      const { headTree: tree } = await repo.capture(taskId, sandbox, known);
      if (tree === known) return tree;
      await hold(taskId, async ({ state, activeTurn, append }) => {
        // Where that took long, a turn may have come and gone, and told what there is since.
        if (activeTurn !== null || workspaceTreeOf(state, baseTree) !== known) return;
        const keys = `asleep:proposal:${state.seq}`;
        const events = await foundInWorkspace(repo, state, { baseTree, tree, keys });
        if (events.length > 0) await append(events);
      });
      return tree;
    },
  };
}

const NEVER = new AbortController().signal;
