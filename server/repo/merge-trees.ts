import { type MergeLabels, mergeText } from '../protocol/merge.ts';
import { batchesOf } from './contents.ts';
import { blobSizes, readBlobs } from './objects.ts';
import { foldersOf } from './overlay.ts';
import { entryChanges, type RawChange } from './raw-changes.ts';
import { proposalRef, type RepoDeps, repoPath } from './repository.ts';
import { MAX_TEXT_BYTES, type Texts, textOf } from './texts.ts';
import { type TreeEdit, writeTree } from './trees.ts';

/** Three trees of a task's repository, and what the two sides are called at conflict markers. */
export interface TreesToMerge {
  taskId: string;
  base: string;
  ours: string;
  theirs: string;
  labels: MergeLabels;
}

export interface MergedTrees {
  tree: string;
  /** Paths that both sides changed in ways that do not go together, sorted. */
  conflicts: string[];
}

/**
 * The tree with what both sides made of `base`. Text is merged by lines, and has conflict markers where that is not possible; anything
 * else that both changed in different ways (a binary file, a link, a submodule, a deletion) is as `ours` has it. Either way it is listed.
 * Renames are a deletion and an addition.
 */
export async function mergeTrees(
  deps: RepoDeps,
  { taskId, base, ours, theirs, labels }: TreesToMerge,
  signal?: AbortSignal,
): Promise<MergedTrees> {
  if (ours === theirs || theirs === base) return { tree: ours, conflicts: [] };
  if (ours === base) return { tree: theirs, conflicts: [] };
  const [mine, other] = await Promise.all(
    [ours, theirs].map((side) => entryChanges(deps, taskId, base, side, signal)),
  );
  const merge = createMerge(mine ?? []);
  for (const change of other ?? []) merge.take(change);
  for await (const [file, texts] of contentsOf(deps, taskId, merge.files, signal)) {
    merge.settle(file, mergedContent(file, texts, labels));
  }
  const { edits, conflicts } = merge.end();
  if (edits.length === 0) return { tree: ours, conflicts };
  const { tree } = await writeTree(deps.git, repoPath(deps, taskId), {
    from: ours,
    edits,
    paths: 'latin1',
    refFor: proposalRef,
    signal,
  });
  return { tree, conflicts };
}

/** A regular file that both sides changed. */
interface BothFiles {
  path: string;
  mode: string;
  isModeConflict: boolean;
  /** Null where both sides made it a file. */
  base: string | null;
  ours: string;
  theirs: string;
}

/** `undefined`: as ours has it. */
interface Content {
  edit: { oid: string } | { data: Uint8Array } | undefined;
  isConflict: boolean;
}

/** Collects what `theirs` adds to `ours`, path by path (as bytes, one a character). */
function createMerge(mine: readonly RawChange[]) {
  const ours = new Map(mine.map((change) => [change.path, change]));
  const present = mine.filter(({ newMode }) => newMode !== null);
  const folders = new Set(present.flatMap(({ path }) => foldersOf(path)));
  const edits: TreeEdit[] = [];
  const files: BothFiles[] = [];
  const conflicts = new Set<string>();

  /** Where one side has a file and the other a folder, ours stays. */
  const isFileAboveFile = (path: string): boolean =>
    folders.has(path) || foldersOf(path).some((folder) => typeof ours.get(folder)?.newMode === 'string');

  return {
    files,

    take(theirs: RawChange): void {
      const { path, newMode, newOid } = theirs;
      const own = ours.get(path);
      if (own?.newMode === newMode && own?.newOid === newOid) return;
      if (own !== undefined) {
        const both = bothFiles(own, theirs);
        if (both === undefined) conflicts.add(path);
        else files.push(both);
      } else if (newMode === null || newOid === null) edits.push({ path, delete: true });
      else if (isFileAboveFile(path)) conflicts.add(path);
      else edits.push({ path, mode: newMode, oid: newOid });
    },

    settle({ path, mode, ours: oid, isModeConflict }: BothFiles, { edit, isConflict }: Content): void {
      if (isConflict || isModeConflict) conflicts.add(path);
      edits.push({ path, mode, ...(edit ?? { oid }) });
    },

    end: () => ({
      edits,
      conflicts: [...conflicts].map((path) => Buffer.from(path, 'latin1').toString()).sort(),
    }),
  };
}

const REGULAR = /^100/;

/** Undefined where one side has no regular file there, so that nothing can be merged. */
function bothFiles(own: RawChange, other: RawChange): BothFiles | undefined {
  const { path, oldMode, oldOid } = own;
  const [mode, otherMode] = [own.newMode, other.newMode];
  if (mode === null || otherMode === null || own.newOid === null || other.newOid === null) return undefined;
  if (!REGULAR.test(mode) || !REGULAR.test(otherMode)) return undefined;
  return {
    path,
    mode: mode === oldMode ? otherMode : mode,
    isModeConflict: mode !== otherMode && mode !== oldMode && otherMode !== oldMode,
    base: oldMode !== null && REGULAR.test(oldMode) ? oldOid : null,
    ours: own.newOid,
    theirs: other.newOid,
  };
}

function mergedContent({ base, ours, theirs }: BothFiles, texts: Texts, labels: MergeLabels): Content {
  if (theirs === base || theirs === ours) return { edit: undefined, isConflict: false };
  if (ours === base) return { edit: { oid: theirs }, isConflict: false };
  const [before, mine, other] = [base === null ? '' : texts.get(base), texts.get(ours), texts.get(theirs)];
  if (before === undefined || mine === undefined || other === undefined)
    return { edit: undefined, isConflict: true };
  const { text, conflicts } = mergeText(before, mine, other, labels);
  return { edit: { data: Buffer.from(text) }, isConflict: conflicts > 0 };
}

/** Each file with the texts of its three sides, no more in memory at once than a few. */
async function* contentsOf(
  deps: RepoDeps,
  taskId: string,
  files: BothFiles[],
  signal: AbortSignal | undefined,
): AsyncGenerator<[BothFiles, Texts]> {
  const repo = repoPath(deps, taskId);
  const oidsOf = ({ base, ours, theirs }: BothFiles) =>
    base === null ? [ours, theirs] : [base, ours, theirs];
  const sizes = await blobSizes(deps.git, repo, [...new Set(files.flatMap(oidsOf))], signal);
  const isText = (oid: string): boolean => (sizes.get(oid) ?? 0) <= MAX_TEXT_BYTES;
  const sizeOf = (file: BothFiles): number =>
    oidsOf(file).reduce((sum, oid) => sum + (isText(oid) ? (sizes.get(oid) ?? 0) : 0), 0);
  for (const batch of batchesOf(files, sizeOf)) {
    const texts: Texts = new Map();
    const wanted = new Set(batch.flatMap(oidsOf).filter(isText));
    await readBlobs(deps.git, repo, [...wanted], (oid, data) => texts.set(oid, textOf(data)), { signal });
    for (const file of batch) yield [file, texts];
  }
}
