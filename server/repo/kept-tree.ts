import type { Segment } from '../protocol/hunks.ts';
import { wholeOf } from './changes.ts';
import { composed } from './compose-tree.ts';
import { eachContent, type FileContent } from './contents.ts';
import { foldersOf } from './overlay.ts';
import { type RawChange, rawChanges } from './raw-changes.ts';
import { assertOid, proposalRef, type RepoDeps, repoPath } from './repository.ts';
import { type TreeEdit, writeTree } from './trees.ts';

/** A rejected part of a proposal: lines of its text, or all of a file that is none. */
export interface RejectedUnit {
  path: string;
  /** 1-based, in the proposal. Absent where it is not about lines. */
  startLine?: number;
  before: string[];
  after: string[];
}

export interface Kept {
  tree: string;
  /** What was taken out. */
  rejected: RejectedUnit[];
}

/**
 * The proposal without what was rejected: what the person leaves the agent to go on with. All else is as the proposal has it, what no
 * review shows included. A deletion that was rejected stands where something else has the file's place by now.
 * @param rejected units by path; those that the proposal does not have count for nothing
 */
export async function keptTree(
  deps: RepoDeps,
  {
    taskId,
    baseTree,
    headTree,
    rejected,
  }: {
    taskId: string;
    baseTree: string;
    headTree: string;
    rejected: ReadonlyMap<string, ReadonlySet<string>>;
  },
): Promise<Kept> {
  const changes = await rawChanges(deps, taskId, baseTree, headTree);
  const present = new Set(changes.flatMap(({ path, newMode }) => (newMode === null ? [] : [path])));
  const folders = new Set([...present].flatMap(foldersOf));
  const edits: TreeEdit[] = [];
  const units: RejectedUnit[] = [];
  const visit = (change: RawChange, content: FileContent): void => {
    const { path, newMode } = change;
    const taken = takenOut(change, content, rejected.get(path) ?? new Set());
    if (taken.units.length === 0) return;
    const isPlaceTaken = folders.has(path) || foldersOf(path).some((folder) => present.has(folder));
    if (newMode === null && isPlaceTaken) return;
    units.push(...taken.units);
    edits.push(composed(change, content, taken.kept, true) ?? asInBase(change));
  };
  const touched = changes.filter(({ path }) => rejected.has(path));
  await eachContent(deps, taskId, touched, visit);
  if (edits.length === 0) return { tree: headTree, rejected: [] };
  const from = assertOid(headTree);
  const { tree } = await writeTree(deps.git, repoPath(deps, taskId), { from, edits, refFor: proposalRef });
  return { tree, rejected: units };
}

const asInBase = ({ path, oldMode, oldOid }: RawChange): TreeEdit =>
  oldMode === null || oldOid === null ? { path, delete: true } : { path, mode: oldMode, oid: oldOid };

/** What of a change is rejected, and the hashes of what is left of it. */
export function takenOut(
  change: RawChange,
  content: FileContent,
  rejected: ReadonlySet<string>,
): { units: RejectedUnit[]; kept: Set<string> } {
  const { path } = change;
  const runs = content.kind === 'text' ? content.runs : [];
  const kept = new Set<string>();
  const units: RejectedUnit[] = [];
  let line = 1;
  for (const run of runs) {
    if (run.kind === 'changed') {
      if (!rejected.has(run.hash)) kept.add(run.hash);
      else units.push({ path, startLine: line, before: run.before, after: run.after });
    }
    line += linesAfter(run);
  }
  const whole = wholeOf(change, kept.size + units.length > 0);
  if (whole !== undefined && !rejected.has(whole)) kept.add(whole);
  else if (whole !== undefined) units.push({ path, before: [], after: [] });
  return { units, kept };
}

const linesAfter = (run: Segment): number => (run.kind === 'same' ? run.lines : run.after).length;
