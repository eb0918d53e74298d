import type { FakeUser } from './accounts.ts';

/** Where the links in answers point. */
export interface Origin {
  /** The web and Git host. */
  url: string;
  apiUrl: string;
}

export interface RepositoryRecord {
  id: number;
  owner: FakeUser;
  name: string;
  private: boolean;
  defaultBranch: string;
}

export interface PullRecord {
  id: number;
  number: number;
  repository: RepositoryRecord;
  headRepository: RepositoryRecord;
  head: string;
  base: string;
  title: string;
  body: string | null;
  draft: boolean;
  state: 'open' | 'closed';
  author: FakeUser;
  createdAt: string;
  /** Absent: it was not merged. */
  mergedAt?: string;
}

/** What Git knows of a pull request's two branches. */
export interface Comparison {
  headSha: string;
  baseSha: string;
  commits: number;
  additions: number;
  deletions: number;
  changedFiles: number;
}

const CREATED = '2025-05-01T12:00:00Z';

/** An account as others see it, embedded in other records. */
export function simpleUser(origin: Origin, user: FakeUser) {
  const api = `${origin.apiUrl}/users/${user.login}`;
  return {
    login: user.login,
    id: user.id,
    node_id: `U_${user.id}`,
    avatar_url: `${origin.url}/avatars/${user.id}`,
    gravatar_id: '',
    url: api,
    html_url: `${origin.url}/${user.login}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type: 'User',
    site_admin: false,
  };
}

/** The signed-in person, as far as a token without the scope `user` may see. */
export function publicUser(origin: Origin, user: FakeUser) {
  return {
    ...simpleUser(origin, user),
    name: user.name,
    company: null,
    blog: '',
    location: null,
    email: user.email ?? null,
    hireable: null,
    bio: null,
    public_repos: 1,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: CREATED,
    updated_at: CREATED,
  };
}

/** The links of a repository that are its API address and more. */
const REPOSITORY_LINKS = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
};

/** A repository; the counts that nothing here changes are zero. */
export function repository(origin: Origin, record: RepositoryRecord) {
  const fullName = `${record.owner.login}/${record.name}`;
  const api = `${origin.apiUrl}/repos/${fullName}`;
  const html = `${origin.url}/${fullName}`;
  const links = Object.fromEntries(
    Object.entries(REPOSITORY_LINKS).map(([name, rest]) => [name, `${api}${rest}`]),
  );
  return {
    ...links,
    id: record.id,
    node_id: `R_${record.id}`,
    name: record.name,
    full_name: fullName,
    private: record.private,
    owner: simpleUser(origin, record.owner),
    url: api,
    html_url: html,
    description: null,
    fork: false,
    clone_url: `${html}.git`,
    git_url: `git://${new URL(html).host}/${fullName}.git`,
    ssh_url: `git@${new URL(html).hostname}:${fullName}.git`,
    svn_url: html,
    mirror_url: null,
    homepage: null,
    language: 'JavaScript',
    license: null,
    default_branch: record.defaultBranch,
    archived: false,
    disabled: false,
    has_issues: true,
    has_projects: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    has_downloads: true,
    forks: 0,
    forks_count: 0,
    network_count: 0,
    open_issues: 0,
    open_issues_count: 0,
    stargazers_count: 0,
    subscribers_count: 0,
    watchers: 0,
    watchers_count: 0,
    size: 1,
    pushed_at: CREATED,
    created_at: CREATED,
    updated_at: CREATED,
  };
}

/** A pull request as a list shows it. */
export function pullSummary(origin: Origin, pull: PullRecord, comparison: Comparison) {
  const fullName = `${pull.repository.owner.login}/${pull.repository.name}`;
  const api = `${origin.apiUrl}/repos/${fullName}`;
  const html = `${origin.url}/${fullName}/pull/${pull.number}`;
  const side = (branch: string, sha: string, record: RepositoryRecord) => ({
    label: `${record.owner.login}:${branch}`,
    ref: branch,
    sha,
    user: simpleUser(origin, record.owner),
    repo: repository(origin, record),
  });
  const links = {
    self: `${api}/pulls/${pull.number}`,
    html,
    issue: `${api}/issues/${pull.number}`,
    comments: `${api}/issues/${pull.number}/comments`,
    review_comments: `${api}/pulls/${pull.number}/comments`,
    review_comment: `${api}/pulls/comments{/number}`,
    commits: `${api}/pulls/${pull.number}/commits`,
    statuses: `${api}/statuses/${comparison.headSha}`,
  };
  return {
    url: links.self,
    id: pull.id,
    node_id: `PR_${pull.id}`,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: links.issue,
    commits_url: links.commits,
    review_comments_url: links.review_comments,
    review_comment_url: links.review_comment,
    comments_url: links.comments,
    statuses_url: links.statuses,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: simpleUser(origin, pull.author),
    body: pull.body,
    labels: [],
    milestone: null,
    created_at: pull.createdAt,
    updated_at: pull.createdAt,
    closed_at: pull.state === 'closed' ? pull.createdAt : null,
    merged_at: pull.mergedAt ?? null,
    merge_commit_sha: null,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    head: side(pull.head, comparison.headSha, pull.headRepository),
    base: side(pull.base, comparison.baseSha, pull.repository),
    _links: Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }])),
    author_association: 'OWNER',
    auto_merge: null,
    draft: pull.draft,
  };
}

/** A pull request as it is answered alone. */
export function pullRequest(origin: Origin, pull: PullRecord, comparison: Comparison) {
  return {
    ...pullSummary(origin, pull, comparison),
    merged: pull.mergedAt !== undefined,
    mergeable: null,
    rebaseable: null,
    mergeable_state: 'unknown',
    merged_by: null,
    comments: 0,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: comparison.commits,
    additions: comparison.additions,
    deletions: comparison.deletions,
    changed_files: comparison.changedFiles,
  };
}
