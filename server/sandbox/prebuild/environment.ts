import { createHash } from 'node:crypto';
import { createPutBack } from '../../environment/put-back.ts';
import {
  createTaskEnvironment,
  type TaskEnvironment,
  type TaskEnvironmentDeps,
} from '../../environment/task-environment.ts';
import { createRecent } from '../../repo/recent.ts';
import { assertOid, type RepoDeps, repoPath } from '../../repo/repository.ts';
import type { PrebuildsDeps } from './prebuilds.ts';

export interface PrebuildEnvironmentDeps extends Omit<TaskEnvironmentDeps, 'putBack'> {
  /** Of tasks. */
  environment: TaskEnvironment;
  capture: Parameters<typeof createPutBack>[0]['capture'];
  restoreWorkspace: Parameters<typeof createPutBack>[0]['restoreWorkspace'];
}

/** Fewer files than this are put into an empty machine faster than anybody notices. */
const WORTH_A_PREBUILD = 2000;
/** Trees that are remembered: each is read from Git once in a process. */
const MOST_TREES = 500;
/** Of Git's list of all files, in bytes. */
const LISTING_LIMIT = 2 ** 28;

/** What a repository asks for around its workspace, of a machine that no task has yet, and of the task that would begin as its copy. */
export function createPrebuildEnvironments(deps: PrebuildEnvironmentDeps): PrebuildsDeps['environment'] {
  const looked = createRecent<TreeLook>(MOST_TREES);

  /** Undefined where neither setup nor size makes it worth while. */
  async function keyOf(of: TaskEnvironment, id: string, baseTree: string): Promise<string | undefined> {
    const { key, hasSetup } = await of.prebuildKey(id);
    const look = looked.get(baseTree) ?? (await lookAt(deps.repo, id, baseTree));
    looked.set(baseTree, look);
    return hasSetup || look.files >= WORTH_A_PREBUILD ? digest([key, look.ignored]) : undefined;
  }

  return {
    ofTask: {
      async key(taskId) {
        const baseTree = (await deps.store.get(taskId))?.prepared?.baseTree;
        // One that came in a file is a stranger's word: it begins as nobody's copy, and nobody's begins as its.
        if (baseTree === undefined || (await deps.secrets.isImported(taskId))) return undefined;
        return keyOf(deps.environment, taskId, baseTree);
      },
    },

    ofPrebuild({ owner, source }, prepared) {
      const { capture, restoreWorkspace } = deps;
      const headTree = async () => prepared.baseTree;
      const own = createTaskEnvironment({
        ...deps,
        store: { get: async () => ({ owner, spec: { source }, prepared }) },
        putBack: createPutBack({ headTree, capture, restoreWorkspace }),
      });
      return {
        key: (id) => keyOf(own, id, prepared.baseTree),
        spec: own.prebuildSpec,
        setUp: async (id, sandbox, signal) =>
          (await own.setUp(id, sandbox, { tell: async () => {}, signal }))?.outcome !== 'failed',
      };
    },
  };
}

/** A tree as far as it decides about a prebuild. */
interface TreeLook {
  files: number;
  /** Names what Git ignores in it: what setup makes and is not ignored does not stay. */
  ignored: string;
}

async function lookAt(deps: RepoDeps, id: string, tree: string): Promise<TreeLook> {
  const printed = await deps.git(['ls-tree', '-r', '-z', '--full-tree', assertOid(tree)], {
    repo: repoPath(deps, id),
    maxOutputBytes: LISTING_LIMIT,
  });
  const lines = printed.toString().split('\0').filter(Boolean);
  return { files: lines.length, ignored: digest(lines.filter((line) => /[\t/]\.gitignore$/.test(line))) };
}

const digest = (parts: unknown): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
