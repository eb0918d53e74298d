import { join } from 'node:path';
import type { TurnRepo } from '../agent/turn-context.ts';
import type { ReviewRepo } from '../tasks/review-service.ts';
import { composeAcceptedTree } from './accept.ts';
import { createChangedFiles } from './changed-files.ts';
import { listChanges, patchOf, readBlob } from './changes.ts';
import { holdsTask } from './identity.ts';
import { baseIn, moveInto } from './move.ts';
import { BASE_REF, proposalRef, readRef, repoPath, type TransportDeps } from './repository.ts';
import { prepareSource, startBundle } from './source.ts';
import { captureProposal, checkoutInto } from './workspace.ts';

/** The Git work of tasks as the turn and the review ask for it. */
export function createTaskRepo(deps: TransportDeps & { sourcesDir: string }): TurnRepo & ReviewRepo {
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
      const place = { headTree: isCaptured ? proposedTree : undefined, signal };
      const branch = `handoff/${taskId.slice(0, 8)}`;
      const from = await baseIn(sandbox);
      if (from === undefined)
        return checkoutInto(sandbox, await startBundle(deps, taskId, place), branch, place);
      // Filled for this very task, by a relay that was killed before it could note that.
      const isOwn = from === (await readRef(repoPath(deps, taskId), BASE_REF));
      if (isOwn && prebuiltId === undefined) return;
      const { headTree } = place;
      const move = { taskId, from, prebuiltId, branch, ...(headTree === undefined ? {} : { headTree }) };
      await moveInto(deps, sandbox, move, signal);
    },
    holds: (taskId, sandbox) => holdsTask(deps, taskId, sandbox),
    capture: (taskId, sandbox, previousTree) => captureProposal(deps, sandbox, { taskId, previousTree }),
    changedFiles: createChangedFiles(deps),
    changes: (taskId, baseTree, headTree) => listChanges(deps, taskId, baseTree, headTree),
    blob: (taskId, oid) => readBlob(deps, taskId, oid),
    patch: (taskId, fromTree, toTree) => patchOf(deps, taskId, fromTree, toTree),
    compose: (taskId, proposal) => composeAcceptedTree(deps, { taskId, ...proposal }),
  };
}
