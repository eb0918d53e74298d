import { foldersOf } from './overlay.ts';
import { entryChanges, type RawChange } from './raw-changes.ts';
import { assertOid, proposalRef, type RepoDeps, repoPath } from './repository.ts';
import { type TreeEdit, writeTree } from './trees.ts';

/** A tree that the proposal had, and who made it of the one before. `neither`: what was there is as it was, on another base perhaps. */
export interface Revision {
  tree: string;
  by: 'agent' | 'person' | 'neither';
}

export interface RollBackTree {
  taskId: string;
  /** What the proposal had since, in order: first what it began with, last what it has now. */
  revisions: readonly [Revision, ...Revision[]];
  target: string;
  /** Whether also what the person changed is restored. */
  all: boolean;
}

/**
 * The proposal's tree with its files as `target` has them. Only a file whose content is what the agent wrote is restored unasked.
 * @returns `kept`: paths that differ from the target and were left as they are
 */
export async function rollBackTree(
  deps: RepoDeps,
  { taskId, revisions, target, all }: RollBackTree,
): Promise<{ tree: string; kept: string[] }> {
  const written = await writtenByAgent(deps, taskId, revisions);
  const head = revisions.at(-1)?.tree ?? target;
  const changes = await entryChanges(deps, taskId, head, target);
  const isOwn = ({ path, oldMode, oldOid }: RawChange): boolean =>
    all || written.has(entryOf(path, oldMode, oldOid));
  const kept = changes.filter((change) => !isOwn(change));
  const present = new Set(kept.flatMap(({ path, oldMode }) => (oldMode === null ? [] : [path])));
  const folders = new Set([...present].flatMap(foldersOf));
  const edits: TreeEdit[] = [];
  for (const change of changes.filter(isOwn)) {
    const { path, newMode, newOid } = change;
    if (newMode === null || newOid === null) edits.push({ path, delete: true });
    // A file that stays has the place of its folder, or the reverse.
    else if (folders.has(path) || foldersOf(path).some((folder) => present.has(folder))) kept.push(change);
    else edits.push({ path, mode: newMode, oid: newOid });
  }
  const paths = kept.map(({ path }) => Buffer.from(path, 'latin1').toString()).sort();
  if (edits.length === 0) return { tree: head, kept: paths };
  const { tree } = await writeTree(deps.git, repoPath(deps, taskId), {
    from: assertOid(head),
    edits,
    paths: 'latin1',
    refFor: proposalRef,
  });
  return { tree, kept: paths };
}

/** Every content that the agent gave a path, also where a newer base came into it since. */
async function writtenByAgent(
  deps: RepoDeps,
  taskId: string,
  revisions: RollBackTree['revisions'],
): Promise<Set<string>> {
  const written = new Set<string>();
  for (const [before, after] of runsOf(revisions)) {
    for (const change of await entryChanges(deps, taskId, before.tree, after.tree)) {
      const { path, oldMode, oldOid, newMode, newOid } = change;
      const isAgents =
        after.by === 'agent' || (after.by === 'neither' && written.has(entryOf(path, oldMode, oldOid)));
      if (isAgents) written.add(entryOf(path, newMode, newOid));
    }
  }
  return written;
}

const entryOf = (path: string, mode: string | null, oid: string | null): string => `${mode} ${oid} ${path}`;

/** Each revision with the one before; what one did in a row counts as one. */
function runsOf([first, ...rest]: RollBackTree['revisions']): [Revision, Revision][] {
  const runs: [Revision, Revision][] = [];
  let before = first;
  for (const [index, revision] of rest.entries()) {
    if (revision.by !== 'neither' && rest[index + 1]?.by === revision.by) continue;
    runs.push([before, revision]);
    before = revision;
  }
  return runs;
}
