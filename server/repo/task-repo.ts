import { join } from 'node:path';
import type { TurnRepo } from '../agent/turn-context.ts';
import type { CommentRepo } from '../tasks/comment-service.ts';
import type { EditingRepo } from '../tasks/proposal-edits.ts';
import type { ReviewRepo } from '../tasks/review-service.ts';
import type { RollbackRepo } from '../tasks/rollback-service.ts';
import type { UpdateRepo } from '../tasks/update-service.ts';
import { createChangedFiles } from './changed-files.ts';
import { changeAt, patchOf, readBlob } from './changes.ts';
import { composeTree } from './compose-tree.ts';
import { createRecentRuns } from './contents.ts';
import { editFile } from './edit-file.ts';
import { type Filled, filledWith, holdsTask } from './identity.ts';
import { keptTree } from './kept-tree.ts';
import { fetchCommit, latestCommit } from './latest.ts';
import { readManyBlobs } from './many-blobs.ts';
import { mergeTrees } from './merge-trees.ts';
import { moveInto } from './move.ts';
import { rawChanges } from './raw-changes.ts';
import { createReading } from './reading.ts';
import { prepareBase, settleBase } from './rebase.ts';
import { BASE_REF, proposalRef, readRef, repoPath, type TransportDeps } from './repository.ts';
import { restoreWorkspace } from './restore.ts';
import { rewrittenTree } from './rewritten-tree.ts';
import { rollBackTree } from './roll-back.ts';
import { noteWork, settingOf, setWorkspace } from './set-workspace.ts';
import { prepareSource, startBundle } from './source.ts';
import { textDiff } from './text-diff.ts';
import { textsAt } from './texts-at.ts';
import { captureProposal, checkoutInto } from './workspace.ts';

/** The Git work of tasks as the turn and the review ask for it. */
export function createTaskRepo(
  deps: TransportDeps & { sourcesDir: string },
): TurnRepo & ReviewRepo & EditingRepo & CommentRepo & RollbackRepo & UpdateRepo {
  // Whoever reads a proposal decides on it next.
  const runs = createRecentRuns();

  /** Whether the machine was filled for this very task. A base alone does not tell: tasks of one commit have the same. */
  async function isOwn({ base, taskId: whose }: Filled, taskId: string, prebuiltId: string | undefined) {
    if (whose !== undefined) return whose === taskId;
    return prebuiltId === undefined && base === (await readRef(repoPath(deps, taskId), BASE_REF));
  }

  return {
    prepare: (taskId, source, signal) =>
      prepareSource(
        deps,
        {
          taskId,
          source,
          ...(source.sourceId === undefined
            ? {}
            : { bundlePath: join(deps.sourcesDir, `${source.sourceId}.bundle`) }),
        },
        signal,
      ),
    async checkout(taskId, sandbox, proposedTree, signal, prebuiltId) {
      // Where nobody has captured it, it is the base itself.
      const isCaptured =
        proposedTree !== undefined &&
        (await readRef(repoPath(deps, taskId), proposalRef(proposedTree))) !== undefined;
      const headTree = isCaptured ? proposedTree : undefined;
      const branch = branchOf(taskId);
      const filled = await filledWith(sandbox);
      if (filled?.base === undefined) {
        const bundle = await startBundle(deps, taskId, { headTree, signal });
        return checkoutInto(sandbox, { taskId, bundle, branch, headTree }, signal);
      }
      // By a relay that was killed before it could note that.
      if (await isOwn(filled, taskId, prebuiltId)) return;
      const move = { taskId, from: filled.base, prebuiltId, branch, headTree };
      await moveInto(deps, sandbox, move, signal);
    },
    holds: (taskId, sandbox) => holdsTask(deps, taskId, sandbox),
    capture: (taskId, sandbox, previousTree, seenTree) =>
      captureProposal(deps, sandbox, { taskId, previousTree, seenTree }),
    rewritten: (taskId, from, files) => rewrittenTree(deps, taskId, from, files),
    changedFiles: createChangedFiles(deps),
    async changedBlobs(taskId, fromTree, toTree) {
      const changes = await rawChanges(deps, taskId, fromTree, toTree);
      return new Map(changes.map(({ path, newOid }) => [path, newOid]));
    },
    changes: createReading({ ...deps, runs }),
    changeAt: (taskId, trees, path) => changeAt({ ...deps, runs }, taskId, trees, path),
    blob: (taskId, oid) => readBlob(deps, taskId, oid),
    blobs: (taskId, oids) => readManyBlobs(deps, taskId, oids),
    textsAt: (taskId, tree, paths) => textsAt(deps, taskId, tree, paths),
    merge: (trees) => mergeTrees(deps, trees),
    rollBack: (request) => rollBackTree(deps, request),
    latestCommit: (followed) => latestCommit(deps, followed),
    fetchCommit: (taskId, followed, commit) => fetchCommit(deps, taskId, followed, commit),
    prepareBase: (taskId, from) => prepareBase(deps, taskId, from),
    settleBase: (taskId, prepared) => settleBase(deps, taskId, prepared),
    kept: (taskId, proposal) => keptTree(deps, { taskId, ...proposal }),
    settingOf,
    noteWork,
    setWorkspace: (sandbox, setting) =>
      setWorkspace(deps, sandbox, { ...setting, branch: branchOf(setting.taskId) }),
    restoreWorkspace,
    textDiff: (taskId, fromTree, toTree, most) => textDiff(deps, taskId, fromTree, toTree, most),
    patch: (taskId, fromTree, toTree) => patchOf(deps, taskId, fromTree, toTree),
    editFile: (taskId, edit) => editFile(deps, taskId, edit),
    compose: (taskId, selected) => composeTree({ ...deps, runs }, { taskId, ...selected }),
  };
}

/** The branch that the agent's own repository is on. */
const branchOf = (taskId: string): string => `handoff/${taskId.slice(0, 8)}`;
