import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Repositories } from '../git-server/repositories.ts';
import type { Signed } from './accounts.ts';
import { notAccessible, notFound, Refusal } from './errors.ts';
import type { RepositoryRecord } from './records.ts';

/** Branches and commits as the REST API has them, and the rules that keep branches. */
export interface GitData {
  /** Answers a request below a repository; undefined for what is none of this. */
  answer(
    signed: Signed | undefined,
    record: RepositoryRecord,
    request: { method: string; rest: string; body: () => Promise<Record<string, unknown>> },
  ): Promise<{ status: number; body: unknown } | undefined>;
  /** From now on nobody may push to that branch, by Git or otherwise. */
  protect(owner: string, name: string, branch: string): Promise<void>;
}

export function createGitData(repositories: Repositories): GitData {
  const guarded = new Map<string, Set<string>>();

  const run = async ({ owner, name }: RepositoryRecord, args: string[]): Promise<string | undefined> =>
    repositories.git(owner.login, name, args).catch(() => undefined);
  const commitOf = (record: RepositoryRecord, name: string) =>
    run(record, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);

  return {
    async answer(signed, record, { method, rest, body }) {
      const branch = decodeURIComponent(/^\/branches\/(.+)$/.exec(rest)?.[1] ?? '');
      if (method === 'GET' && branch !== '') {
        const sha = await commitOf(record, `refs/heads/${branch}`);
        if (sha === undefined) throw notFound();
        const isProtected = guarded.get(keyOf(record))?.has(branch) ?? false;
        return { status: 200, body: { name: branch, commit: { sha }, protected: isProtected } };
      }
      const wanted = /^\/git\/commits\/([0-9a-f]{40})$/.exec(rest)?.[1];
      if (method === 'GET' && wanted !== undefined) {
        const sha = await commitOf(record, wanted);
        if (sha === undefined) throw notFound();
        return {
          status: 200,
          body: { sha, tree: { sha: await run(record, ['rev-parse', `${sha}^{tree}`]) } },
        };
      }
      if (method === 'POST' && rest === '/git/refs') {
        mayWrite(signed);
        const { ref, sha } = await body();
        if ((await commitOf(record, String(sha))) === undefined)
          throw new Refusal(422, 'Object does not exist');
        if ((await commitOf(record, String(ref))) !== undefined)
          throw new Refusal(422, 'Reference already exists');
        await run(record, ['update-ref', String(ref), String(sha)]);
        return { status: 201, body: { ref, object: { type: 'commit', sha } } };
      }
      const doomed = decodeURIComponent(/^\/git\/refs\/(heads\/.+|heads%2F.+)$/.exec(rest)?.[1] ?? '');
      if (method === 'DELETE' && doomed !== '') {
        mayWrite(signed);
        if ((await commitOf(record, `refs/${doomed}`)) === undefined)
          throw new Refusal(422, 'Reference does not exist');
        await run(record, ['update-ref', '-d', `refs/${doomed}`]);
        return { status: 204, body: null };
      }
      return undefined;
    },

    async protect(owner, name, branch) {
      const branches = guarded.get(`${owner}/${name}`) ?? new Set();
      guarded.set(`${owner}/${name}`, branches.add(branch));
      const hook = join(repositories.root, owner, `${name}.git`, 'hooks/pre-receive');
      const tests = [...branches].map((one) => `[ "$ref" = 'refs/heads/${one}' ]`).join(' || ');
      const lines = [
        '#!/bin/sh',
        'while read -r old new ref; do',
        `  if ${tests}; then`,
        '    echo "error: GH006: Protected branch update failed for $ref." >&2',
        '    exit 1',
        '  fi',
        'done',
        '',
      ];
      await mkdir(dirname(hook), { recursive: true });
      await writeFile(hook, lines.join('\n'));
      await chmod(hook, 0o755);
    },
  };
}

const keyOf = ({ owner, name }: RepositoryRecord): string => `${owner.login}/${name}`;

function mayWrite(signed: Signed | undefined): void {
  if (signed === undefined || signed.grant.contents === 'read') throw notAccessible();
}
