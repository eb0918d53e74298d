import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git } from '../../fakes/git.ts';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Workshop } from '../turn/workshop.ts';

/** Writes files into the person's repository and commits them. @returns the commit */
export async function commitFiles(
  { repo }: Pick<Workshop, 'repo'>,
  files: Record<string, string | Uint8Array>,
  links: Record<string, string> = {},
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(repo, path)), { recursive: true });
    await writeFile(join(repo, path), content);
  }
  for (const [path, target] of Object.entries(links)) {
    await mkdir(dirname(join(repo, path)), { recursive: true });
    await symlink(target, join(repo, path));
  }
  await git(repo, ['add', '--all', '--force']);
  await git(repo, ['commit', '--quiet', '--message=Tell agents more']);
  return (await git(repo, ['rev-parse', 'HEAD'])).trim();
}

export const call = (name: string, args: Record<string, unknown>) => ({
  toolCalls: [{ name, arguments: args }],
});

/** What the model read last, by role. */
export const lastOf = (request: ChatRequest | undefined, role: string): string | undefined =>
  request?.messages.filter((message) => message.role === role).at(-1)?.content;
