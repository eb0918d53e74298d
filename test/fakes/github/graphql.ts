import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ISOLATED_GIT } from '../git.ts';
import type { Repositories } from '../git-server/repositories.ts';
import { isObject } from '../http.ts';
import type { Signed } from './accounts.ts';
import type { RepositoryRecord } from './records.ts';

/** What `createCommitOnBranch` is given. */
interface Input {
  branch: { repositoryNameWithOwner: string; branchName: string };
  expectedHeadOid: string;
  message: { headline: string; body?: string };
  fileChanges: { additions?: { path: string; contents: string }[]; deletions?: { path: string }[] };
}

const CREATED_AT = '1746100800 +0000';

/** Answers the one mutation of the GraphQL API that is used: a commit by the owner of the token, made and signed by GitHub. */
/** What is written in a file's place, by its path; undefined leaves it. */
export type Tamper = (path: string) => string | undefined;

export function createGraphql(
  repositories: Repositories,
  find: (owner: string, name: string) => RepositoryRecord | undefined,
) {
  let tampers: Tamper = () => undefined;
  const answer = async ({ user, grant }: Signed, body: Record<string, unknown>): Promise<object> => {
    const variables = isObject(body['variables']) ? body['variables'] : {};
    if (!String(body['query']).includes('createCommitOnBranch')) return refused('UNDEFINED', 'no such field');
    const input = variables['input'] as Input;
    const { branch, expectedHeadOid, message, fileChanges } = input;
    const [owner = '', name = ''] = branch.repositoryNameWithOwner.split('/');
    const head = find(owner, name) && (await repositories.branch(owner, name, branch.branchName));
    if (head === undefined) return refused('NOT_FOUND', 'Could not resolve the branch.');
    if (grant.contents === 'read') return refused('FORBIDDEN', 'Resource not accessible.');
    if (head !== expectedHeadOid)
      return refused('STALE_DATA', `Expected branch to point to "${expectedHeadOid}" but it did not.`);

    const gitdir = join(repositories.root, owner, `${name}.git`);
    const folder = await mkdtemp(join(tmpdir(), 'handoff-graphql-'));
    try {
      const git = (args: string[], stdin?: string | Buffer) =>
        run(
          gitdir,
          { GIT_DIR: gitdir, GIT_WORK_TREE: folder, GIT_INDEX_FILE: join(folder, 'index') },
          args,
          stdin,
        );
      await git(['read-tree', head]);
      for (const { path } of fileChanges.deletions ?? []) await git(['update-index', '--force-remove', path]);
      for (const { path, contents } of fileChanges.additions ?? []) {
        const blob = await git(
          ['hash-object', '-w', '--stdin'],
          tampers(path) ?? Buffer.from(contents, 'base64'),
        );
        // Every file that this API writes is a regular one.
        await git(['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`]);
      }
      const lines = [
        `tree ${await git(['write-tree'])}`,
        `parent ${head}`,
        `author ${user.name ?? user.login} <${user.id}+${user.login}@users.noreply.github.com> ${CREATED_AT}`,
        `committer GitHub <noreply@github.com> ${CREATED_AT}`,
        'gpgsig -----BEGIN PGP SIGNATURE-----',
        ' ',
        ' bm90IGEgc2lnbmF0dXJl',
        ' -----END PGP SIGNATURE-----',
        '',
        [message.headline, message.body ?? ''].filter((part) => part !== '').join('\n\n'),
      ];
      const commit = await git(['hash-object', '-t', 'commit', '-w', '--stdin'], lines.join('\n'));
      await git(['update-ref', `refs/heads/${branch.branchName}`, commit, head]);
      return { data: { createCommitOnBranch: { commit: { oid: commit } } } };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return {
    answer,
    /** From now on the API does not write what it was given. */
    tamper: (how: Tamper): void => {
      tampers = how;
    },
  };
}

const refused = (type: string, message: string): object => ({
  data: { createCommitOnBranch: null },
  errors: [{ type, path: ['createCommitOnBranch'], message }],
});

function run(
  cwd: string,
  env: Record<string, string>,
  args: string[],
  stdin?: string | Buffer,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...ISOLATED_GIT, ...env } };
    const child = execFile('git', args, options, (error, stdout) =>
      error === null ? resolve(stdout.trim()) : reject(error),
    );
    child.stdin?.end(stdin);
  });
}
