import { Person } from '../../server/protocol/commands.ts';
import type { Git } from './run-git.ts';

/** Who commits in this repository by its Git configuration; nothing where it does not say, or says what cannot be used. */
export async function authorOf(git: Git, root: string): Promise<Person | undefined> {
  const setting = async (name: string) => {
    const ran = await git(['-C', root, 'config', '--get', name]).catch(() => undefined);
    return ran?.exitCode === 0 ? new TextDecoder().decode(ran.stdout).trim() : undefined;
  };
  const [name, email] = await Promise.all([setting('user.name'), setting('user.email')]);
  return Person.safeParse({ name, email }).data;
}
