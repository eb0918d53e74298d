import type { components } from '@octokit/openapi-types';
import type { FakeUser } from './accounts.ts';
import { type Origin, type RepositoryRecord, repository, simpleUser } from './records.ts';

type Schemas = components['schemas'];

/** A run of a check on a commit, as whoever runs checks reports it. */
export interface RunReport {
  name: string;
  sha: string;
  status?: Schemas['check-run']['status'];
  conclusion?: Schemas['check-run']['conclusion'];
  /** Of the suite that it belongs to: a repetition belongs to the same. */
  suite?: number;
  title?: string;
  summary?: string;
  /** Of GitHub Actions, where there is a log of it; otherwise of another app. */
  log?: string;
  annotations?: { path: string; line: number; message: string }[];
}

interface RunRecord extends RunReport {
  id: number;
  repository: RepositoryRecord;
}

interface StatusRecord {
  id: number;
  repository: RepositoryRecord;
  sha: string;
  context: string;
  state: 'success' | 'failure' | 'error' | 'pending';
  description: string | null;
}

interface CommentRecord {
  id: number;
  kind: 'issue' | 'line' | 'review';
  repository: RepositoryRecord;
  pull: number;
  author: FakeUser;
  body: string;
  path: string;
  line: number;
  at: string;
}

/** What is found and said about commits and pull requests. */
export interface Checks {
  /** @returns the run's number; a repeated report of that number changes it */
  report(repository: RepositoryRecord, report: RunReport, id?: number): number;
  status(repository: RepositoryRecord, status: Omit<StatusRecord, 'id' | 'repository'>): void;
  comment(comment: Omit<CommentRecord, 'id' | 'at'>): number;
  /** Answers a GET below `/repos/{owner}/{name}`; undefined where it is about none of this. A string is where the answer is. */
  answer(repository: RepositoryRecord, path: string, query: URLSearchParams): unknown;
  /** Of a webhook: the run, status or comment as it is told. */
  told: {
    run(id: number): Schemas['check-run'];
    status(context: string): Schemas['simple-commit-status'] & { sha: string };
    comment(id: number): object;
  };
  /** The log that is behind an address to which a job's log was redirected. */
  log(path: string): string | undefined;
}

/** Where a job's log leads to, without credentials: the address is the right to it. */
export class Redirect {
  readonly to: string;
  constructor(to: string) {
    this.to = to;
  }
}

const AT = '2026-01-02T03:04:05Z';
const LOGS = '/job-logs/';

export function createChecks(origin: Origin): Checks {
  const runs: RunRecord[] = [];
  const statuses: StatusRecord[] = [];
  const comments: CommentRecord[] = [];
  const apiOf = ({ owner, name }: RepositoryRecord) => `${origin.apiUrl}/repos/${owner.login}/${name}`;
  const pageOf = ({ owner, name }: RepositoryRecord) => `${origin.url}/${owner.login}/${name}`;

  function run(record: RunRecord): Schemas['check-run'] {
    const { id, sha, name, log, annotations = [] } = record;
    const api = `${apiOf(record.repository)}/check-runs/${id}`;
    const page = `${pageOf(record.repository)}/runs/${id}`;
    const { status = record.conclusion ? 'completed' : 'in_progress' } = record;
    return {
      id,
      head_sha: sha,
      node_id: `CR_${id}`,
      external_id: '',
      url: api,
      html_url: page,
      details_url: page,
      status,
      conclusion: record.conclusion ?? null,
      started_at: AT,
      completed_at: status === 'completed' ? AT : null,
      output: {
        title: record.title ?? null,
        summary: record.summary ?? null,
        text: null,
        annotations_count: annotations.length,
        annotations_url: `${api}/annotations`,
      },
      name,
      check_suite: { id: record.suite ?? 1 },
      app: app(origin, record.repository.owner, log === undefined ? 'sample-ci' : 'github-actions'),
      pull_requests: [],
    };
  }

  function status({ id, sha, context, state, description, repository: where }: StatusRecord) {
    const url = `${apiOf(where)}/statuses/${sha}`;
    return {
      id,
      node_id: `SC_${id}`,
      url,
      avatar_url: null,
      state,
      context,
      description,
      target_url: null,
      created_at: AT,
      updated_at: AT,
    } satisfies Schemas['simple-commit-status'];
  }

  function comment(
    record: CommentRecord,
  ): Schemas['issue-comment'] | Schemas['pull-request-review-comment'] | Schemas['pull-request-review'] {
    const { id, kind, author, body, at, pull } = record;
    const page = `${pageOf(record.repository)}/pull/${pull}`;
    const api = `${apiOf(record.repository)}/pulls/${pull}`;
    const common = {
      id,
      node_id: `C_${id}`,
      user: simpleUser(origin, author),
      body,
      author_association: 'MEMBER' as const,
    };
    const links = { html: { href: page }, pull_request: { href: api } };
    if (kind === 'review') {
      return {
        ...common,
        ...{ state: 'CHANGES_REQUESTED', html_url: `${page}#review-${id}`, pull_request_url: api },
        ...{ _links: links, submitted_at: at, commit_id: null },
      };
    }
    if (kind === 'issue') {
      const html_url = `${page}#issuecomment-${id}`;
      return { ...common, url: `${api}/c/${id}`, html_url, created_at: at, updated_at: at, issue_url: api };
    }
    return {
      ...common,
      ...{ url: `${api}/comments/${id}`, html_url: `${page}#discussion_r${id}`, pull_request_url: api },
      ...{ created_at: at, updated_at: at, pull_request_review_id: 1, diff_hunk: '@@ -1 +1 @@' },
      ...{
        path: record.path,
        line: record.line,
        commit_id: '0'.repeat(40),
        original_commit_id: '0'.repeat(40),
      },
      _links: { self: { href: api }, ...links },
    };
  }

  /** The last of each name in each suite, as GitHub lists them. */
  function latest(repository: RepositoryRecord, sha: string): RunRecord[] {
    const found = runs.filter((one) => one.repository === repository && one.sha === sha);
    return found.filter(
      (one) =>
        !found.some(
          (other) => other.name === one.name && (other.suite ?? 1) === (one.suite ?? 1) && other.id > one.id,
        ),
    );
  }

  const commentsOf = (repository: RepositoryRecord, pull: string, kind: CommentRecord['kind']) =>
    comments
      .filter((one) => one.repository === repository && one.pull === Number(pull) && one.kind === kind)
      .map(comment);

  const routes: [RegExp, (record: RepositoryRecord, id: string) => unknown][] = [
    [
      /^\/commits\/(\w+)\/check-runs$/,
      (record, sha) => {
        const found = latest(record, sha).map(run);
        return { total_count: found.length, check_runs: found };
      },
    ],
    [
      /^\/commits\/(\w+)\/status$/,
      (record, sha) => {
        const found = statuses.filter((one) => one.repository === record && one.sha === sha);
        const url = `${apiOf(record)}/commits/${sha}`;
        return {
          state: 'pending',
          statuses: found.map(status),
          sha,
          total_count: found.length,
          repository: repository(origin, record),
          commit_url: url,
          url: `${url}/status`,
        };
      },
    ],
    [/^\/pulls\/(\d+)\/comments$/, (record, pull) => commentsOf(record, pull, 'line').toReversed()],
    [/^\/pulls\/(\d+)\/reviews$/, (record, pull) => commentsOf(record, pull, 'review')],
    [/^\/issues\/(\d+)\/comments$/, (record, pull) => commentsOf(record, pull, 'issue')],
    [/^\/check-runs\/(\d+)$/, (record, id) => ownRun(record, id) && run(ownRun(record, id) as RunRecord)],
    [
      /^\/check-runs\/(\d+)\/annotations$/,
      (record, id) =>
        (ownRun(record, id)?.annotations ?? []).map(
          ({ path, line, message }): Schemas['check-annotation'] => ({
            ...{ path, start_line: line, end_line: line, start_column: null, end_column: null },
            ...{ annotation_level: 'failure', title: null, message, raw_details: null, blob_href: '' },
          }),
        ),
    ],
    [
      /^\/actions\/jobs\/(\d+)\/logs$/,
      (record, id) =>
        ownRun(record, id)?.log === undefined
          ? undefined
          : new Redirect(`${origin.url}${LOGS}${id}?sig=secret`),
    ],
  ];
  const ownRun = (record: RepositoryRecord, id: string) =>
    runs.find((one) => one.repository === record && one.id === Number(id));

  function found<T>(one: T | undefined): T {
    if (one === undefined) throw new Error('the double knows no such thing');
    return one;
  }

  return {
    report(where, report, id) {
      const known = runs.find((one) => one.id === id);
      if (known) Object.assign(known, report);
      else runs.push({ ...report, id: id ?? 70_000 + runs.length, repository: where });
      return known?.id ?? found(runs.at(-1)).id;
    },
    status(where, told) {
      const others = statuses.filter(
        (one) => one.repository !== where || one.sha !== told.sha || one.context !== told.context,
      );
      statuses.splice(0, statuses.length, ...others, {
        ...told,
        id: 80_000 + statuses.length,
        repository: where,
      });
    },
    comment(told) {
      const id = 90_000 + comments.length;
      comments.push({
        ...told,
        id,
        at: new Date(Date.parse(AT) + comments.length * 1000).toISOString().replace('.000', ''),
      });
      return id;
    },
    answer(where, path) {
      for (const [pattern, answer] of routes) {
        const [, id] = pattern.exec(path) ?? [];
        if (id !== undefined) return answer(where, id);
      }
      return undefined;
    },
    told: {
      run: (id) => run(found(runs.find((one) => one.id === id))),
      status(context) {
        const record = found(statuses.find((one) => one.context === context));
        return { ...status(record), sha: record.sha };
      },
      comment: (id) => comment(found(comments.find((one) => one.id === id))),
    },
    log: (path) => (path.startsWith(LOGS) ? runs.find((one) => `${LOGS}${one.id}` === path)?.log : undefined),
  };
}

function app(origin: Origin, owner: FakeUser, slug: string): Schemas['nullable-integration'] {
  return {
    id: 1,
    slug,
    node_id: 'A_1',
    owner: simpleUser(origin, owner),
    name: slug,
    description: null,
    external_url: origin.url,
    html_url: `${origin.url}/apps/${slug}`,
    created_at: AT,
    updated_at: AT,
    permissions: {},
    events: [],
  };
}
