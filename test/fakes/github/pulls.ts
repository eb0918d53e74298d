import type { Repositories } from '../git-server/repositories.ts';
import type { Signed } from './accounts.ts';
import { invalidPull, notAccessible } from './errors.ts';
import type { Comparison, PullRecord, RepositoryRecord } from './records.ts';

/** The pull requests of all repositories, and what may become one. */
export interface Pulls {
  all: PullRecord[];
  create(signed: Signed, repository: RepositoryRecord, body: Record<string, unknown>): Promise<PullRecord>;
  /** Changes title, body, base or state. */
  update(signed: Signed, pull: PullRecord, body: Record<string, unknown>): PullRecord;
  compare(pull: PullRecord): Promise<Comparison>;
}

export function createPulls(
  repositories: Repositories,
  find: (owner: string, name: string) => RepositoryRecord | undefined,
): Pulls {
  const all: PullRecord[] = [];
  const branchOf = (record: RepositoryRecord, branch: string) =>
    repositories.branch(record.owner.login, record.name, branch);

  const create: Pulls['create'] = async (signed, repository, body) => {
    mayWrite(signed);
    const lacking = ['base', 'head'].filter((field) => typeof body[field] !== 'string');
    if (lacking.length > 0) throw invalidPull.notSupplied(lacking);
    const title = body['title'];
    if (typeof title !== 'string' || title.trim() === '') throw invalidPull.missing('title');

    const base = String(body['base']);
    const [, headOwner = repository.owner.login, head = ''] =
      /^(?:([^:]+):)?(.+)$/.exec(String(body['head'])) ?? [];
    const headRepository = find(headOwner, repository.name);
    const headSha = headRepository && (await branchOf(headRepository, head));
    if (headRepository === undefined || headSha === undefined) throw invalidPull.invalid('head');
    const baseSha = await branchOf(repository, base);
    if (baseSha === undefined) throw invalidPull.invalid('base');
    if (
      all.some(
        (pull) => pull.state === 'open' && sameBranches(pull, { repository, headRepository, head, base }),
      )
    )
      throw invalidPull.exists(`${headOwner}:${head}`);
    if (headRepository === repository) {
      const { owner, name } = repository;
      const ahead = await repositories.git(owner.login, name, [
        'rev-list',
        '--count',
        `${baseSha}..${headSha}`,
      ]);
      if (ahead === '0') throw invalidPull.noCommits(base, head);
    }

    const pull: PullRecord = {
      id: 9000 + all.length,
      number: 1 + all.filter((other) => other.repository === repository).length,
      repository,
      headRepository,
      head,
      base,
      title,
      body: typeof body['body'] === 'string' ? body['body'] : null,
      draft: body['draft'] === true,
      state: 'open',
      author: signed.user,
      createdAt: new Date().toISOString(),
    };
    all.push(pull);
    return pull;
  };

  return {
    all,
    create,
    update: (signed, pull, body) => {
      mayWrite(signed);
      if (typeof body['title'] === 'string') pull.title = body['title'];
      if (typeof body['body'] === 'string') pull.body = body['body'];
      if (typeof body['base'] === 'string') pull.base = body['base'];
      if (body['state'] === 'open' || body['state'] === 'closed') pull.state = body['state'];
      return pull;
    },
    compare: async (pull) => {
      const headSha = (await branchOf(pull.headRepository, pull.head)) ?? '0'.repeat(40);
      const baseSha = (await branchOf(pull.repository, pull.base)) ?? '0'.repeat(40);
      const { owner, name } = pull.repository;
      const run = (args: string[]) => repositories.git(owner.login, name, args).catch(() => '');
      const counts = (await run(['diff', '--numstat', `${baseSha}...${headSha}`]))
        .split('\n')
        .filter(Boolean);
      const sum = (column: number) =>
        counts.reduce((total, line) => total + (Number(line.split('\t')[column]) || 0), 0);
      return {
        headSha,
        baseSha,
        commits: Number(await run(['rev-list', '--count', `${baseSha}..${headSha}`])),
        additions: sum(0),
        deletions: sum(1),
        changedFiles: counts.length,
      };
    },
  };
}

function mayWrite({ grant }: Signed): void {
  if (grant.pullRequests === 'read') throw notAccessible();
}

type Branches = Pick<PullRecord, 'repository' | 'headRepository' | 'head' | 'base'>;

const sameBranches = (a: Branches, b: Branches) =>
  a.repository === b.repository &&
  a.headRepository === b.headRepository &&
  a.head === b.head &&
  a.base === b.base;
