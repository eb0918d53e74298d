import type { Sandbox } from '../sandbox/sandbox.ts';
import { SETUP_RECORD } from './setup.ts';

/**
 * Takes out of a workspace what setup wrote into it: to be called before the agent works there. Ignored files, such as installed
 * packages, stay; that is what setup is for. Once setup is noted as over it does nothing: another relay may have gone on while this one
 * slept, and an agent be at work.
 */
export function createPutBack(deps: {
  /** What the workspace was filled with: the last proposal, else the base. */
  headTree: (taskId: string) => Promise<string>;
  capture: (taskId: string, sandbox: Sandbox, previousTree: string) => Promise<{ headTree: string }>;
  /** Does nothing where the scratch folder has a file of the name `unless`. */
  restoreWorkspace: (sandbox: Sandbox, tree: string, guard: { unless: string }) => Promise<void>;
}): (taskId: string, sandbox: Sandbox) => Promise<void> {
  return async (taskId, sandbox) => {
    const tree = await deps.headTree(taskId);
    const { headTree } = await deps.capture(taskId, sandbox, tree);
    if (headTree !== tree) await deps.restoreWorkspace(sandbox, tree, { unless: SETUP_RECORD });
  };
}
