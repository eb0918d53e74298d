import { AppError } from '../errors.ts';
import { compose } from '../protocol/compose.ts';
import type { AcceptedFile } from '../protocol/review.ts';
import { eachContent, type FileContent } from './contents.ts';
import { foldersOf } from './overlay.ts';
import { type RawChange, rawChanges } from './raw-changes.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';
import { type TreeEdit, writeTree } from './trees.ts';

export interface Decision {
  taskId: string;
  baseTree: string;
  headTree: string;
  accepted: AcceptedFile[];
}

/**
 * Writes base plus exactly what was accepted; the only tree that is ever pushed. `'all'` takes the proposal's side of a path
 * whole (content, mode, deletion); hunks compose text and keep the base's mode.
 *
 * Throws `bad_request` where a decision cannot mean anything, `revision_changed` where it names a hunk that is not there.
 */
export async function composeAcceptedTree(
  deps: RepoDeps,
  { taskId, baseTree, headTree, accepted }: Decision,
  signal?: AbortSignal,
): Promise<{ acceptedTree: string }> {
  const changes = new Map(
    (await rawChanges(deps, taskId, baseTree, headTree, signal)).map((change) => [change.path, change]),
  );
  const edits: TreeEdit[] = [];
  const byHunk = new Map<string, ReadonlySet<string>>();
  const named = new Set<string>();
  for (const { path, hunks } of accepted) {
    const change = changes.get(path);
    if (change === undefined) throw notPossible(path, 'is not changed by the proposal');
    if (named.has(path)) throw notPossible(path, 'is named twice');
    named.add(path);
    if (hunks === 'all') edits.push(wholeFile(change));
    else if (hunks.length > 0) byHunk.set(path, new Set(hunks));
  }
  const partly = [...changes.values()].filter(({ path }) => byHunk.has(path));
  await eachContent(
    deps,
    taskId,
    partly,
    (change, content) => {
      edits.push(composed(change, content, byHunk.get(change.path) ?? new Set()));
    },
    { signal },
  );
  refuseFileAboveFile(edits, changes);
  if (edits.length === 0) return { acceptedTree: baseTree };
  const { tree } = await writeTree(deps.git, repoPath(deps, taskId), {
    from: assertOid(baseTree),
    edits,
    refFor: (written) => `refs/handoff/accepted/${written}`,
    signal,
  });
  return { acceptedTree: tree };
}

function wholeFile({ path, newMode, newOid }: RawChange): TreeEdit {
  return newMode === null || newOid === null ? { path, delete: true } : { path, mode: newMode, oid: newOid };
}

function composed(change: RawChange, content: FileContent, accepted: ReadonlySet<string>): TreeEdit {
  const { path, oldMode, newMode } = change;
  if (content.kind === 'binary')
    throw notPossible(path, 'is a binary file, which is accepted whole or not at all');
  const hashes = new Set(content.runs.flatMap((run) => (run.kind === 'changed' ? [run.hash] : [])));
  if (hashes.size === 0)
    throw notPossible(path, 'changes its mode or type only, which is accepted whole or not at all');
  for (const hash of accepted) {
    if (hashes.has(hash)) continue;
    throw new AppError('revision_changed', `${JSON.stringify(path)} has no such change any more.`, {
      nextAction: 'Load the changes again and decide again; the agent has gone on.',
    });
  }
  // The one hunk of a deleted file is its deletion.
  if (newMode === null) return { path, delete: true };
  return { path, mode: oldMode ?? newMode, data: Buffer.from(compose(content.runs, accepted)) };
}

/** Where a file took a folder's place (or the reverse), one cannot be accepted without the other. */
function refuseFileAboveFile(edits: TreeEdit[], changes: ReadonlyMap<string, RawChange>): void {
  const deleted = new Set(edits.flatMap((edit) => ('delete' in edit ? [edit.path] : [])));
  const written = new Set(edits.flatMap((edit) => ('delete' in edit ? [] : [edit.path])));
  for (const path of written) {
    const file = foldersOf(path).find((folder) => changes.get(folder)?.oldMode && !deleted.has(folder));
    if (file !== undefined) throw notPossible(path, `needs the deletion of ${JSON.stringify(file)} as well`);
  }
  for (const { path, oldMode } of changes.values()) {
    if (oldMode === null || deleted.has(path)) continue;
    const file = foldersOf(path).find((folder) => written.has(folder));
    if (file !== undefined) throw notPossible(file, `needs the deletion of ${JSON.stringify(path)} as well`);
  }
}

function notPossible(path: string, why: string): AppError {
  return new AppError('bad_request', `${JSON.stringify(path)} ${why}.`, {
    nextAction: 'Load the changes again and decide again.',
  });
}
