import type { Forks } from '../../sandbox/forks/forks.ts';
import { createQueues } from '../../sandbox/queues.ts';
import { type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import type { KeyedEvent } from '../../tasks/event-log.ts';
import { foundInWorkspace, workspaceTreeOf } from '../../tasks/next-proposal.ts';
import { assertHeld, isOutOfHands, type Speaking, type TurnContext, tell } from '../turn-context.ts';
import { createMergeOrder } from './merge-order.ts';
import { baseTreeOf, mergePlanFor } from './merge-plan.ts';
import { namedChanges, namedConflicts } from './named-paths.ts';
import { Unmerged, type Work } from './unmerged.ts';

/** A turn as far as its workspace goes. */
export type WorkingTurn = Speaking & Pick<TurnContext, 'turnId' | 'states' | 'repo' | 'sandboxes'>;

/** The workspace of an executor: a copy of the task's machine, which it alone works in. */
export interface Fork {
  /** The machine; woken where it slept. Fails with `lost` once it was dropped. */
  sandbox(): Promise<Sandbox>;
  /** What it held when its agent began. */
  treeBefore: string;
}

/** What became of a fork's files. */
export interface MergedBack {
  /** What it held when its agent had ended. */
  treeAfter: string;
  /** Paths that differ between `treeBefore` and `treeAfter`, sorted. */
  changed: string[];
  /** Paths that the parent's workspace has changed in another way meanwhile. A text has conflict markers there. */
  conflicts: string[];
  /** What the parent's workspace holds now. */
  headTree: string;
}

/** Where agents that write side by side do so. Every function may be repeated, also by the next relay after a kill. */
export interface Workspaces {
  /**
   * A copy-on-write copy of the lead's machine for that agent, ignored files included: made once, the same after a restart. What runs in
   * the lead's machine ends by it, for those that begin at once (`group`) once; an agent in a copy makes none itself.
   */
  fork(turn: WorkingTurn, agentId: string, group: string, signal: AbortSignal): Promise<Fork>;
  /**
   * Brings the agent's work into its parent's workspace and tells `agent.merged`, once; its processes are killed first. Those of a
   * group take their turns in the order of their calls, unless `options.signal` aborts. What fails is tried once more.
   * @param options.isKept false: its work is left out
   * @throws {Unmerged} where it is known and could not be brought there, or only in part
   */
  mergeBack(
    turn: WorkingTurn,
    agentId: string,
    parentId: string,
    fork: Fork,
    options: { isKept: boolean; signal: AbortSignal },
  ): Promise<MergedBack>;
  /** The agent halts here without having ended, for the turn is parked or handed over: nobody waits for its work to come back. */
  rest(agentId: string): void;
  /** Gives the machine back. */
  drop(turn: WorkingTurn, agentId: string): Promise<void>;
  /** Does one thing at a time to a workspace that several may look at: what is found changed there is then one's own. */
  alone<T>(sandbox: Sandbox, work: () => Promise<T>): Promise<T>;
}

/** How often work is tried to be brought home: a machine that was lost under it is woken by the next to open it. */
const TRIES = 2;

export function createWorkspaces(forks: Forks): Workspaces {
  const order = createMergeOrder();
  const inTurn = createQueues();
  const alone = <T>(sandbox: Sandbox, work: () => Promise<T>): Promise<T> => inTurn(sandbox.ref.id, work);

  /** @param isAgain see `mergePlanFor` */
  async function merge(
    turn: WorkingTurn,
    agentId: string,
    parentId: string,
    work: Work & { treeBefore: string },
    isAgain: boolean,
  ): Promise<MergedBack> {
    const { taskId, turnId, repo } = turn;
    const machine = await turn.sandboxes.open(taskId);
    return alone(machine, async (): Promise<MergedBack> => {
      const { treeAfter, changed } = work;
      const plan = await mergePlanFor(turn, machine, agentId, work, isAgain);
      const { name, before, ours, tree: headTree, conflicts } = plan;
      if (headTree !== ours) {
        await assertHeld(turn);
        await repo.setWorkspace(machine, { taskId, name, before, from: ours, to: headTree });
      }
      await tell(turn, ...(await newsOf(turn, headTree, agentId)), {
        key: `${agentId}:merged`,
        event: {
          type: 'agent.merged',
          turnId,
          agentId,
          parentId,
          headTree,
          ...namedChanges(changed),
          ...namedConflicts(conflicts),
          isDiscarded: false,
        },
      });
      return { treeAfter, changed, conflicts, headTree };
    });
  }

  async function workOf(
    turn: WorkingTurn,
    agentId: string,
    { treeBefore, sandbox: open }: Fork,
    isKept: boolean,
  ): Promise<Work> {
    const { taskId, store, repo } = turn;
    try {
      return await store.memo(taskId, `${agentId}:work`, async (): Promise<Work> => {
        await assertHeld(turn);
        const sandbox = await open();
        await sandbox.killAll('');
        const { headTree: treeAfter } = await repo.capture(taskId, sandbox, treeBefore);
        const files = treeAfter === treeBefore ? [] : await repo.changedFiles(taskId, treeBefore, treeAfter);
        return { treeAfter, changed: files.map(({ path }) => path).sort() };
      });
    } catch (error) {
      // What is left out need not be known.
      if (isKept || !isLost(error)) throw error;
      return { treeAfter: treeBefore, changed: [] };
    }
  }

  return {
    alone,

    async fork(turn, agentId, group, signal) {
      const { taskId, turnId, repo, store, states } = turn;
      order.join(agentId, group);
      const open = (): Promise<Sandbox> => forks.open({ taskId, turnId, agentId, group }, signal);
      const isOver = (await turn.log.find(taskId, `${agentId}:merged`)) !== undefined;
      const first = isOver ? undefined : await open();
      // Found in the copy itself, before anybody works there: what ran in the parent's machine could write until it was stopped.
      const treeBefore = await store.memo(taskId, `${agentId}:fork`, async () => {
        await assertHeld(turn);
        const known = workspaceTreeOf(await states.current(taskId), await baseTreeOf(turn));
        return (await repo.capture(taskId, first ?? (await open()), known)).headTree;
      });
      return { treeBefore, sandbox: () => forks.reopen(agentId) };
    },

    async mergeBack(turn, agentId, parentId, fork, { isKept, signal }) {
      const { taskId, turnId } = turn;
      try {
        const work = await again(() => workOf(turn, agentId, fork, isKept));
        if (isKept) await order.untilNext(agentId, signal);
        const merged = await turn.log.find(taskId, `${agentId}:merged`);
        if (merged?.type === 'agent.merged') {
          const { conflicts, headTree } = merged;
          return { ...work, conflicts, headTree };
        }
        if (isKept) {
          const own = { ...work, treeBefore: fork.treeBefore };
          const home = again((isAgain) => merge(turn, agentId, parentId, own, isAgain));
          return await home.catch((error: unknown) => {
            throw isOutOfHands(error) ? error : new Unmerged(work, error);
          });
        }
        const headTree = workspaceTreeOf(await turn.states.current(taskId), await baseTreeOf(turn));
        await tell(turn, {
          key: `${agentId}:merged`,
          event: {
            ...{ type: 'agent.merged', turnId, agentId, parentId, headTree },
            ...namedChanges(work.changed),
            ...{ conflicts: [], isDiscarded: true },
          },
        });
        return { ...work, conflicts: [], headTree };
      } finally {
        order.leave(agentId);
      }
    },

    rest: (agentId) => order.leave(agentId),

    async drop(turn, agentId) {
      order.leave(agentId);
      await assertHeld(turn);
      await forks.drop(agentId);
    },
  };
}

/** What the person is told of the proposal, as the lead's workspace holds that tree now. */
async function newsOf(turn: WorkingTurn, tree: string, agentId: string): Promise<KeyedEvent[]> {
  const state = await turn.states.current(turn.taskId);
  const keys = `${agentId}:proposal`;
  return foundInWorkspace(turn.repo, state, { baseTree: await baseTreeOf(turn), tree, keys, by: agentId });
}

/** Does it once more where it failed, unless it is no longer this relay's to do. */
async function again<T>(work: (isAgain: boolean) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work(tried > 1);
    } catch (error) {
      if (tried >= TRIES || isOutOfHands(error)) throw error;
    }
  }
}

const isLost = (error: unknown): boolean => error instanceof SandboxError && error.code === 'lost';

const none = async (): Promise<never> => {
  throw new SandboxError('unavailable', 'There is no place here for agents to write side by side.');
};

/** For turns without executors. */
export const noWorkspaces: Workspaces = {
  fork: none,
  mergeBack: none,
  rest: () => {},
  drop: async () => {},
  alone: (_sandbox, work) => work(),
};
