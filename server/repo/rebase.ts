import type { OverlayEntry } from '../protocol/source.ts';
import { readBlob } from './changes.ts';
import { mergeTrees } from './merge-trees.ts';
import { decodeUtf8, entryChanges } from './raw-changes.ts';
import {
  BASE_REF,
  formerRef,
  proposalRef,
  type RepoDeps,
  readRef,
  repoPath,
  SOURCE_REF,
  snapshotRef,
  treeOf,
  writeRef,
} from './repository.ts';
import type { PreparedSource } from './source.ts';
import { writeTree } from './trees.ts';

const GITLINK = '160000';

/** What a task starts from on another commit. */
export interface NewBase extends PreparedSource {
  /** What the person had not committed, on that commit. */
  overlay: OverlayEntry[];
  /** Where that does not go together with the commit. */
  conflicts: string[];
}

/**
 * Makes ready what the task would start from on `commit`, which was fetched: nothing is changed by it. Snapshots that machines are at,
 * and what the workspace holds, are kept for when they are.
 */
export async function prepareBase(
  deps: RepoDeps,
  taskId: string,
  { now, commit, workspaceTree }: { now: PreparedSource; commit: string; workspaceTree: string },
): Promise<NewBase> {
  const repo = repoPath(deps, taskId);
  const former = await readRef(repo, BASE_REF);
  if (former !== undefined) await writeRef(repo, formerRef(former), former);
  await writeRef(repo, proposalRef(workspaceTree), workspaceTree);
  const committed = await treeOf(deps, taskId, commit);
  const { tree, conflicts } = await mergeTrees(deps, {
    taskId,
    base: await treeOf(deps, taskId, now.baseCommit),
    ours: now.baseTree,
    theirs: committed,
    labels: { ours: 'not committed', theirs: 'newer commit' },
  });
  await writeTree(deps.git, repo, { from: tree, edits: [], refFor: snapshotRef });
  const overlay = await overlayOf(deps, taskId, committed, tree);
  return { baseCommit: commit, baseTree: tree, overlay, conflicts };
}

/**
 * Makes the repository start from what the task's record says. To be called once that is recorded, and again by whoever needs it:
 * a relay may have been killed in between. Costs reading one small file where it is so.
 */
export async function settleBase(
  deps: RepoDeps,
  taskId: string,
  { baseCommit, baseTree }: PreparedSource,
): Promise<void> {
  const repo = repoPath(deps, taskId);
  if ((await readRef(repo, SOURCE_REF)) === baseCommit) return;
  const snapshot = await readRef(repo, snapshotRef(baseTree));
  if (snapshot === undefined) throw new Error(`there is no snapshot of ${baseTree}`);
  await writeRef(repo, BASE_REF, snapshot);
  // Last: it says that both are done.
  await writeRef(repo, SOURCE_REF, baseCommit);
}

/** What differs from the commit, as the person would have sent it. */
async function overlayOf(
  deps: RepoDeps,
  taskId: string,
  committed: string,
  tree: string,
): Promise<OverlayEntry[]> {
  const entries: OverlayEntry[] = [];
  for (const change of await entryChanges(deps, taskId, committed, tree)) {
    const path = decodeUtf8(Buffer.from(change.path, 'latin1'));
    if (path === undefined) throw new Error('what is not committed has a name that is not UTF-8');
    const mode = modeOf(change.newMode ?? change.oldMode);
    if (mode === GITLINK) entries.push({ path, mode, oid: change.newOid });
    else {
      const data = change.newOid === null ? null : await readBlob(deps, taskId, change.newOid);
      entries.push({ path, mode, content: data && Buffer.from(data).toString('base64') });
    }
  }
  return entries;
}

function modeOf(mode: string | null): OverlayEntry['mode'] {
  if (mode === '100755' || mode === '120000' || mode === GITLINK) return mode;
  return '100644';
}
