import type { RelayClient } from '../protocol/client.ts';
import type { FileChange } from '../protocol/review.ts';
import { planFile, type Step, type Stored } from './apply-plan.ts';
import { IN_THE_WAY, openWorkingTree, type WorkingTree } from './working-tree.ts';

/** What became of the person's files: of each list deletions first, and then by path. */
export interface Applied {
  changed: string[];
  /** They had it already. */
  same: string[];
  /** With conflict markers, or left as they were. */
  conflicts: { path: string; why: string }[];
}

const LABELS = { ours: 'your files', theirs: 'Handoff' };

/**
 * Brings what a task changed into a working tree, by lines where the person changed the same files. Doing it again changes nothing
 * more: what has our markers still is left as it is, and named again. The index stays as it is.
 * @param tree the accepted one; absent: the whole proposal
 */
export async function applyTree(
  client: Pick<RelayClient, 'changes' | 'blob'>,
  { taskId, toplevel, tree }: { taskId: string; toplevel: string; tree?: string },
): Promise<Applied> {
  const changes = await client.changes(taskId, tree);
  const files = changes.files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  const workingTree = await openWorkingTree(toplevel);
  try {
    const stored = async (mode: string | null, oid: string | null): Promise<Stored | null> =>
      mode === null || oid === null ? null : { mode, bytes: Buffer.from(await client.blob(taskId, oid)) };
    const applied: Applied = { changed: [], same: [], conflicts: [] };
    // What is deleted makes room, so that a file may take a folder's place.
    for (const file of [...files.filter(isDeleted), ...files.filter((other) => !isDeleted(other))]) {
      const base = await stored(file.oldMode, file.oldOid);
      const theirs = await stored(file.newMode, file.newOid);
      const ours = await workingTree.read(file.path, [base, theirs]);
      const step: Step =
        ours === IN_THE_WAY
          ? theirs === null
            ? { kind: 'same' }
            : { kind: 'clash', why: 'something else is in its place' }
          : planFile({ base, theirs, ours }, LABELS);
      await take(workingTree, file.path, step, applied);
    }
    return applied;
  } finally {
    await workingTree.close();
  }
}

const isDeleted = ({ newMode }: FileChange): boolean => newMode === null;

async function take(workingTree: WorkingTree, path: string, step: Step, applied: Applied): Promise<void> {
  if (step.kind === 'same') applied.same.push(path);
  else if (step.kind === 'clash') applied.conflicts.push({ path, why: `left as it is: ${step.why}` });
  else if (step.kind === 'delete') {
    await workingTree.remove(path);
    applied.changed.push(path);
  } else {
    await workingTree.write(path, step.stored);
    if (step.conflicts === 0) applied.changed.push(path);
    else applied.conflicts.push({ path, why: `conflict markers: ${step.conflicts}` });
  }
}
