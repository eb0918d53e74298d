import type { FileChange } from '../../server/protocol/review.ts';
import type { Git } from '../git/run-git.ts';
import { createLook, type Here } from './here.ts';
import { type Content, planFile, planMode, type Sides, type Step } from './merge-plan.ts';
import { type Place, placeOf } from './place.ts';
import { textOf } from './texts.ts';
import { areInEachOthersWay, joinSameFiles } from './together.ts';

/** Of a change between the base and what was accepted, what applying it needs. */
export type AcceptedChange = Pick<
  FileChange,
  'path' | 'oldMode' | 'newMode' | 'oldOid' | 'newOid' | 'renamedFrom'
>;

export interface GatherDeps {
  git: Git;
  root: string;
  /** A file's content by its oid. */
  read(oid: string): Promise<Uint8Array>;
}

/** A changed path, what the person has there, and what is to become of it. */
export interface Gathered extends Place {
  path: string;
  /** The deleted path that this one was. */
  renamedFrom: string | undefined;
  here: Here;
  sides: Sides;
  step: Step;
  /** The mode that the file gets besides. */
  mode: string | undefined;
  /** Where the file is to be, if the disk has it under another name that it takes for the same. */
  becomes: string | undefined;
}

/** What both sides are called where they conflict. */
export const LABELS = { ours: 'Your files', theirs: 'Accepted changes (Handoff)' };

/** How many files are fetched at once. */
const AT_ONCE = 8;

/**
 * Looks at all files that the accepted change is about. In `refused` is what is at no place of the repository, or where a folder is; and
 * what would be deleted to make room for that.
 */
export async function gather(deps: GatherDeps, changes: readonly AcceptedChange[]) {
  const look = await createLook();
  const files: Gathered[] = [];
  const refused: string[] = [];
  const waiting = await joinSameFiles(deps.root, changes);
  const worker = async () => {
    for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
      const place = await placeOf(deps.root, change.at ?? change.path);
      const becomes = change.at === undefined ? place : await placeOf(deps.root, change.path);
      const here = place && becomes && (await look(place));
      if (here) files.push(await gatherFile(deps, change, { place, becomes }, here));
      else refused.push(change.path);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
  const isForRefused = ({ path, sides }: Gathered) =>
    sides.accepted === null && refused.some((other) => areInEachOthersWay(path, other));
  const left = files.filter(isForRefused).map(({ path }) => path);
  return {
    files: files.filter(({ path }) => !left.includes(path)).sort(byPath),
    refused: [...refused, ...left].sort(),
  };
}

async function gatherFile(
  deps: GatherDeps,
  change: AcceptedChange,
  { place, becomes }: { place: Place; becomes: Place },
  here: Here,
): Promise<Gathered> {
  const { path, oldMode, newMode, oldOid, newOid } = change;
  const encoding = here.document?.encoding ?? 'utf8';
  const content = async (mode: string | null, oid: string | null): Promise<Content | null> => {
    if (mode === null || oid === null) return null;
    const bytes = await deps.read(oid);
    if (mode === '120000') return { kind: 'link', bytes };
    const text = await textOf(bytes, encoding);
    return { kind: 'file', bytes, ...(text === undefined ? {} : { text }) };
  };
  const [base, accepted] = await Promise.all([content(oldMode, oldOid), content(newMode, newOid)]);
  const isStored =
    base !== null && here.content !== null && (await isStoredAs(deps, place, here, base, oldOid));
  const sides = { base, accepted, mine: isStored ? base : here.content };
  return {
    path,
    renamedFrom: change.renamedFrom,
    ...place,
    here,
    sides,
    step: planFile(isStored ? { ...sides, mine: bytesOnly(base), base: bytesOnly(base) } : sides, LABELS),
    mode: planMode({ base: oldMode, accepted: newMode, mine: here.mode }),
    becomes: becomes.file === place.file ? undefined : becomes.file,
  };
}

const POINTER = 'version https://git-lfs.github.com/spec/';

/** Git keeps a pointer where the person has the file itself: whether that is untouched, only Git's own filters can say. */
async function isStoredAs(
  { git, root }: GatherDeps,
  { file }: Place,
  { content, document }: Here,
  base: Content,
  oid: string | null,
): Promise<boolean> {
  if (!base.text?.startsWith(POINTER) || content?.bytes === undefined || document?.isDirty) return false;
  const { exitCode, stdout } = await git(['-C', root, 'hash-object', '--', file]);
  return exitCode === 0 && new TextDecoder().decode(stdout).trim() === oid;
}

const bytesOnly = ({ kind, bytes }: Content): Content => ({ kind, ...(bytes ? { bytes } : {}) });
