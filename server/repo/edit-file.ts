import { AppError } from '../errors.ts';
import { foldersOf, isGitFolder } from './overlay.ts';
import { assertOid, proposalRef, type RepoDeps, repoPath } from './repository.ts';
import { type TreeEdit, writeTree } from './trees.ts';

export interface EditedFile {
  baseTree: string;
  headTree: string;
  path: string;
  /** Null: as it is in the base. */
  content: Uint8Array | null;
}

const REGULAR = /^100/;

/**
 * The proposal's tree with one file as the person has it: with the mode that the proposal gives it, else the base, else that of a plain
 * file. Throws `bad_request` for what is no plain file, or stands where one is or would have to be a folder.
 */
export async function editFile(
  deps: RepoDeps,
  taskId: string,
  { baseTree, headTree, path, content }: EditedFile,
  signal?: AbortSignal,
): Promise<string> {
  if (path.split('/').some(isGitFolder))
    throw notPossible(path, 'has a component that file systems take for ".git"');
  const inHead = await entriesAt(deps, taskId, headTree, path, signal);
  const inBase = await entriesAt(deps, taskId, baseTree, path, signal);
  const [before, base] = [inHead.get(path), inBase.get(path)];
  if (content === null && base === undefined && before === undefined) return headTree;
  const above = foldersOf(path).find((folder) => inHead.has(folder) && inHead.get(folder)?.mode !== TREE);
  if (above !== undefined) throw notPossible(path, `is below ${JSON.stringify(above)}, which is a file`);
  if (before?.mode === TREE) throw notPossible(path, 'is a folder');

  const edits: TreeEdit[] = [];
  if (content !== null) {
    const mode = before?.mode ?? base?.mode ?? '100644';
    if (!REGULAR.test(mode)) throw notPossible(path, 'is no plain file, so it has no text to edit');
    edits.push({ path, mode, data: content });
  } else if (base === undefined || base.mode === TREE) edits.push({ path, delete: true });
  else edits.push({ path, ...base });
  const repo = repoPath(deps, taskId);
  return (await writeTree(deps.git, repo, { from: assertOid(headTree), edits, refFor: proposalRef, signal }))
    .tree;
}

interface Entry {
  mode: string;
  oid: string;
}
const TREE = '040000';

/** What a tree has at a path and at the folders that it is in. */
async function entriesAt(
  deps: RepoDeps,
  taskId: string,
  tree: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, Entry>> {
  const printed = await deps.git(
    ['ls-tree', '-z', '-t', '--full-tree', assertOid(tree), '--', ...foldersOf(path), path],
    { repo: repoPath(deps, taskId), env: { GIT_LITERAL_PATHSPECS: '1' }, signal },
  );
  const entries = printed.toString().split('\0').filter(Boolean);
  return new Map(
    entries.map((line) => {
      const tab = line.indexOf('\t');
      const [mode = '', , oid = ''] = line.slice(0, tab).split(' ');
      return [line.slice(tab + 1), { mode, oid }];
    }),
  );
}

function notPossible(path: string, why: string): AppError {
  return new AppError('bad_request', `${JSON.stringify(path)} ${why}.`, {
    nextAction: 'Ask the agent for that, or decide on the file as a whole.',
  });
}
