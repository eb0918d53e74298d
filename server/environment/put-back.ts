import type { Sandbox } from '../sandbox/sandbox.ts';

/**
 * Takes out of a workspace what setup wrote into it: to be called before the agent works there. Ignored files, such as installed
 * packages, stay; that is what setup is for.
 */
export function createPutBack(deps: {
  /** What the workspace was filled with: the last proposal, else the base. */
  headTree: (taskId: string) => Promise<string>;
  capture: (taskId: string, sandbox: Sandbox, previousTree: string) => Promise<{ headTree: string }>;
  restoreWorkspace: (sandbox: Sandbox, tree: string) => Promise<void>;
}): (taskId: string, sandbox: Sandbox) => Promise<void> {
  return async (taskId, sandbox) => {
    const tree = await deps.headTree(taskId);
    const { headTree } = await deps.capture(taskId, sandbox, tree);
    if (headTree !== tree) await deps.restoreWorkspace(sandbox, tree);
  };
}
