import { AppError } from '../errors.ts';
import { compose } from '../protocol/compose.ts';
import { wholeOf } from './changes.ts';
import { eachContent, type FileContent, type RecentRuns } from './contents.ts';
import { foldersOf } from './overlay.ts';
import { type RawChange, rawChanges } from './raw-changes.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';
import { type TreeEdit, writeTree } from './trees.ts';

export interface Selected {
  taskId: string;
  baseTree: string;
  headTree: string;
  /**
   * The units of each path that are taken: all of them, or by hash. What cannot be taken (a hash that the path does not have, a file
   * in a folder's place) is an error where the person has just named it, and left out where an earlier decision is carried over.
   */
  units: ReadonlyMap<string, 'all' | ReadonlySet<string>>;
  isCarried?: boolean;
}

export interface Composed {
  tree: string;
  /** Files that were to be taken and are not, because `needs` is where they would be and its deletion was not taken. */
  leftOut: { path: string; needs: string }[];
}

/**
 * Writes base plus exactly these units of the proposal; what is accepted is the only tree that is ever pushed. Hunks compose text;
 * mode, type and what is no text come by the unit of the whole file.
 *
 * Throws `bad_request` where the choice cannot mean anything, `revision_changed` where it names a unit that is not there.
 */
export async function composeTree(
  deps: RepoDeps & { runs?: RecentRuns },
  { taskId, baseTree, headTree, units, isCarried = false }: Selected,
  signal?: AbortSignal,
): Promise<Composed> {
  const changes = new Map(
    (await rawChanges(deps, taskId, baseTree, headTree, signal)).map((change) => [change.path, change]),
  );
  const edits: TreeEdit[] = [];
  const partly: RawChange[] = [];
  for (const [path, hashes] of units) {
    const change = changes.get(path);
    if (change === undefined) {
      if (isCarried) continue;
      throw notPossible(path, 'is not changed by the proposal');
    }
    if (hashes === 'all') edits.push(wholeFile(change));
    else if (hashes.size > 0) partly.push(change);
  }
  await eachContent(
    deps,
    taskId,
    partly,
    (change, content) => {
      const hashes = units.get(change.path);
      if (hashes === undefined || hashes === 'all') return;
      const edit = composed(change, content, hashes, isCarried);
      if (edit) edits.push(edit);
    },
    { signal, runs: deps.runs },
  );
  const leftOut = standingInTheWay(edits, changes);
  const [unfit] = leftOut;
  if (unfit && !isCarried)
    throw notPossible(unfit.path, `needs the deletion of ${JSON.stringify(unfit.needs)} as well`);
  const fitting = edits.filter(({ path }) => !leftOut.some((left) => left.path === path));
  if (fitting.length === 0) return { tree: baseTree, leftOut };
  const { tree } = await writeTree(deps.git, repoPath(deps, taskId), {
    from: assertOid(baseTree),
    edits: fitting,
    refFor: (written) => `refs/handoff/accepted/${written}`,
    signal,
  });
  return { tree, leftOut };
}

function wholeFile({ path, newMode, newOid }: RawChange): TreeEdit {
  return newMode === null || newOid === null ? { path, delete: true } : { path, mode: newMode, oid: newOid };
}

/** The file with these units of its change; nothing where none of them is there any more. */
export function composed(
  change: RawChange,
  content: FileContent,
  hashes: ReadonlySet<string>,
  isCarried: boolean,
): TreeEdit | undefined {
  const { path, oldMode, newMode } = change;
  const runs = content.kind === 'text' ? content.runs : [];
  const known = new Set(runs.flatMap((run) => (run.kind === 'changed' ? [run.hash] : [])));
  const whole = wholeOf(change, known.size > 0);
  if (whole !== undefined) known.add(whole);
  const taken = new Set([...hashes].filter((hash) => known.has(hash)));
  if (taken.size < hashes.size && !isCarried) {
    throw new AppError('revision_changed', `${JSON.stringify(path)} has no such change any more.`, {
      nextAction: 'Load the changes again and decide again; the agent has gone on.',
    });
  }
  if (taken.size === 0) return undefined;
  // All of them are the proposal's side; and the one unit of a deleted file is its deletion.
  if (taken.size === known.size || newMode === null) return wholeFile(change);
  const mode = whole !== undefined && taken.has(whole) ? newMode : (oldMode ?? newMode);
  return { path, mode, data: Buffer.from(compose(runs, taken)) };
}

/** Where a file took a folder's place (or the reverse), one cannot be had without the other. */
function standingInTheWay(edits: TreeEdit[], changes: ReadonlyMap<string, RawChange>): Composed['leftOut'] {
  const deleted = new Set(edits.flatMap((edit) => ('delete' in edit ? [edit.path] : [])));
  const written = new Set(edits.flatMap((edit) => ('delete' in edit ? [] : [edit.path])));
  const found: Composed['leftOut'] = [];
  for (const path of written) {
    const needs = foldersOf(path).find((folder) => changes.get(folder)?.oldMode && !deleted.has(folder));
    if (needs !== undefined) found.push({ path, needs });
  }
  for (const { path: needs, oldMode } of changes.values()) {
    if (oldMode === null || deleted.has(needs)) continue;
    const path = foldersOf(needs).find((folder) => written.has(folder));
    if (path !== undefined) found.push({ path, needs });
  }
  return found;
}

function notPossible(path: string, why: string): AppError {
  return new AppError('bad_request', `${JSON.stringify(path)} ${why}.`, {
    nextAction: 'Load the changes again and decide again.',
  });
}
