import { Person } from '../../server/protocol/commands.ts';
import { Cancelled } from '../ui/failure.ts';
import type { Repository } from './repositories.ts';
import { type Git, gitAt } from './run-git.ts';

/** Who commits in this repository by its Git configuration; nothing where it does not say, or says what cannot be used. */
export async function authorOf(git: Git, root: string): Promise<Person | undefined> {
  const setting = async (name: string) => {
    const ran = await git(['-C', root, 'config', '--get', name]).catch(() => undefined);
    return ran?.exitCode === 0 ? new TextDecoder().decode(ran.stdout).trim() : undefined;
  };
  const [name, email] = await Promise.all([setting('user.name'), setting('user.email')]);
  return Person.safeParse({ name, email }).data;
}

/**
 * Who commits by the configuration of the task's own repository; nothing where this window has none of it. That of another one is another
 * person's, maybe.
 * @param find rejects where there is none
 * @throws {Cancelled} where the person was asked which one it is, and chose none
 */
export async function authorIn(
  find: () => Promise<Pick<Repository, 'root' | 'gitPath'>>,
): Promise<Person | undefined> {
  try {
    const { gitPath, root } = await find();
    return await authorOf(gitAt(gitPath), root);
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    return undefined;
  }
}
