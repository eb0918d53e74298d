import { type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import type { TurnContext } from '../turn-context.ts';

/** The workspace of an executor: a copy of its parent's machine, which it alone works in. */
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
   * A copy-on-write copy of the parent's machine for that agent, ignored files included: made once, the same after a restart. What runs in
   * the parent's machine ends by it, for those that begin at once (`group`) once.
   */
  fork(turn: TurnContext, agentId: string, group: string, signal: AbortSignal): Promise<Fork>;
  /**
   * Brings the agent's work into its parent's workspace and tells `agent.merged`, once; its processes are killed first. Those of a
   * group take their turns in the order of their calls. @param options.isKept false: its work is left out
   */
  mergeBack(
    turn: TurnContext,
    agentId: string,
    parentId: string,
    fork: Fork,
    options: { isKept: boolean },
  ): Promise<MergedBack>;
  /** The agent halts here without having ended, for the turn is parked or handed over: nobody waits for its work to come back. */
  rest(agentId: string): void;
  /** Gives the machine back. */
  drop(turn: TurnContext, agentId: string): Promise<void>;
}

const none = async (): Promise<never> => {
  throw new SandboxError('unavailable', 'There is no place here for agents to write side by side.');
};

/** For turns without executors. */
export const noWorkspaces: Workspaces = { fork: none, mergeBack: none, rest: () => {}, drop: async () => {} };
