import isomorphicGit from 'isomorphic-git';
import { AppError } from '../errors.ts';
import type { Person } from '../protocol/commands.ts';
import type { Git } from './git.ts';
import type { PushPlan } from './pushed-tree.ts';
import { assertOid, type RepoDeps, readRef, repoPath, writeRef } from './repository.ts';
import { wholeFileSystem } from './write-whole.ts';

export interface CommitRequest {
  taskId: string;
  plan: PushPlan;
  /** Author and committer. */
  author: Person;
  /** Of the commit that holds what was accepted. */
  message: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Of the commit that the person's own uncommitted work becomes where it is pushed along. */
export const UNCOMMITTED_MESSAGE = 'Add work that was not committed yet';

/** A commit that was made for a task. A branch that holds one may be moved to another. */
export const commitRef = (commit: string): string => `refs/handoff/commit/${commit}`;

export async function isOurCommit(deps: RepoDeps, taskId: string, commit: string): Promise<boolean> {
  return (await readRef(repoPath(deps, taskId), commitRef(commit))) !== undefined;
}

/** Makes the commits of a plan as the person. Same input, same commits. @returns the last */
export async function commitPlan(
  deps: RepoDeps,
  { taskId, plan, author, message, at }: CommitRequest,
): Promise<{ commit: string }> {
  const repo = repoPath(deps, taskId);
  const who = { ...author, timestamp: Math.floor(at / 1000), timezoneOffset: 0 };
  const write = async (tree: string, parent: string, text: string): Promise<string> => {
    const commit = await isomorphicGit.writeCommit({
      fs: wholeFileSystem,
      gitdir: repo,
      commit: {
        tree: assertOid(tree),
        parent: [assertOid(parent)],
        author: who,
        committer: who,
        message: `${text.trimEnd()}\n`,
      },
    });
    await writeRef(repo, commitRef(commit), commit);
    return commit;
  };
  const { baseCommit, uncommittedTree, pushedTree } = plan;
  const parent =
    uncommittedTree === undefined
      ? baseCommit
      : await write(uncommittedTree, baseCommit, UNCOMMITTED_MESSAGE);
  return { commit: await write(pushedTree, parent, message) };
}

/**
 * A commit's message of the person's words and one trailer, as `git interpret-trailers` puts it: in the block of trailers that may be
 * there already, and once. Throws `bad_request` for text that a commit cannot carry.
 */
export async function messageWithTrailer(
  git: Git,
  { title, body, trailer }: { title: string; body: string; trailer: string },
): Promise<string> {
  const text = [title, body].map((part) => part.trim()).filter((part) => part !== '');
  if (text.some((part) => part.includes('\0')))
    throw new AppError('bad_request', 'A commit message cannot carry a NUL character.');
  const args = ['interpret-trailers', '--no-divider', '--where=end', '--if-exists=addIfDifferent'];
  const printed = await git([...args, '--trailer', trailer], {
    stdin: Buffer.from(`${text.join('\n\n')}\n`),
    // Lines that begin with "#" are the person's: headings, and names of issues.
    config: { 'core.commentChar': '\u0001' },
  });
  return printed.toString();
}
