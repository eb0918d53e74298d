import assert from 'node:assert/strict';
import { Octokit } from '@octokit/core';
import { type GitHubSchema, loadGitHubSchema } from '../fakes/github/schema.ts';
import { type FakeGitHub, startFakeGitHub } from '../fakes/github/server.ts';

const REPO = { owner: 'sam', repo: 'notes' };
const PULLS = 'POST /repos/{owner}/{repo}/pulls';

describe('the GitHub double, driven by the real client and held to the published description', () => {
  let github: FakeGitHub;
  let schema: GitHubSchema;
  const problems: string[] = [];

  before(async () => {
    schema = await loadGitHubSchema();
  });
  beforeEach(async () => {
    problems.length = 0;
    github = await startFakeGitHub({
      users: [
        {
          login: 'sam',
          id: 101,
          name: 'Sam Sample',
          emails: ['sam@example.test', 'sam@work.test'],
          tokens: {
            full: { scopes: ['repo', 'user:email'] },
            narrow: { scopes: [], pullRequests: 'read' },
          },
        },
      ],
      repos: [
        { owner: 'sam', name: 'notes', content: { files: { 'a.md': 'one\n' } } },
        { owner: 'sam', name: 'secret', content: { files: { 'b.md': 'two\n' } }, private: true },
      ],
    });
    const tree = await github.git('sam', 'notes', ['rev-parse', 'main^{tree}']);
    const commit = await github.git('sam', 'notes', ['commit-tree', tree, '-p', 'main', '-m', 'More']);
    await github.git('sam', 'notes', ['branch', 'feature', commit]);
    await github.git('sam', 'notes', ['branch', 'same', 'main']);
  });
  afterEach(async () => {
    await github.close();
    assert.deepEqual(problems, []);
  });

  /** A client whose every exchange is checked. */
  const client = (auth?: string) =>
    new Octokit({
      baseUrl: github.apiUrl,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      ...(auth === undefined ? {} : { auth }),
      request: {
        fetch: async (url: string, init: RequestInit) => {
          const response = await fetch(url, init);
          const path = new URL(url).pathname.slice(new URL(github.apiUrl).pathname.length);
          const method = init.method ?? 'GET';
          const body: unknown = await response.clone().json();
          problems.push(...schema.check(method, path, body, response.status));
          if (typeof init.body === 'string')
            problems.push(...schema.check(method, path, JSON.parse(init.body)));
          return response;
        },
      },
    });

  it('says who a token is of, and their addresses where its scopes allow', async () => {
    const { data } = await client('full').request('GET /user');
    assert.deepEqual([data.login, data.id, data.name, data.email], ['sam', 101, 'Sam Sample', null]);
    const emails = await client('full').request('GET /user/emails');
    assert.deepEqual(emails.data, [
      { email: 'sam@example.test', primary: true, verified: true, visibility: 'private' },
      { email: 'sam@work.test', primary: false, verified: true, visibility: null },
    ]);
    assert.equal((await refusal(client('narrow').request('GET /user/emails'))).status, 404);
    assert.equal((await refusal(client().request('GET /user'))).message, 'Requires authentication');
    assert.equal((await refusal(client('stolen').request('GET /user'))).message, 'Bad credentials');
  });

  it('shows a repository, and hides a private one from strangers', async () => {
    const { data } = await client().request('GET /repos/{owner}/{repo}', REPO);
    assert.deepEqual(
      [data.full_name, data.default_branch, data.clone_url],
      ['sam/notes', 'main', `${github.url}/sam/notes.git`],
    );
    const secret = { owner: 'sam', repo: 'secret' };
    assert.equal((await client('full').request('GET /repos/{owner}/{repo}', secret)).status, 200);
    assert.equal((await refusal(client().request('GET /repos/{owner}/{repo}', secret))).status, 404);
  });

  it('opens a pull request of a branch that is there, and finds and changes it', async () => {
    const octokit = client('full');
    const opened = await octokit.request(PULLS, {
      ...REPO,
      title: 'More notes',
      body: 'Why',
      head: 'feature',
      base: 'main',
      draft: true,
    });
    const { data } = opened;
    assert.deepEqual(
      [opened.status, data.number, data.html_url, data.draft, data.user.login, data.commits],
      [201, 1, `${github.url}/sam/notes/pull/1`, true, 'sam', 1],
    );
    assert.equal(data.head.sha, await github.git('sam', 'notes', ['rev-parse', 'feature']));

    const found = async (head: string) =>
      (await octokit.request('GET /repos/{owner}/{repo}/pulls', { ...REPO, head })).data.map(
        (pull) => pull.number,
      );
    assert.deepEqual(
      [await found('sam:feature'), await found('sam:other'), await found('other')],
      [[1], [], [1]],
    );

    const changed = await octokit.request('PATCH /repos/{owner}/{repo}/pulls/{pull_number}', {
      ...REPO,
      pull_number: 1,
      title: 'Even more notes',
      state: 'closed',
    });
    assert.deepEqual([changed.data.title, changed.data.state], ['Even more notes', 'closed']);
    assert.deepEqual(await found('sam:feature'), []);
  });

  it('refuses in the words of GitHub', async () => {
    const octokit = client('full');
    const pull = { ...REPO, title: 'More', head: 'feature', base: 'main' };
    await octokit.request(PULLS, pull);
    const custom = (message: string) => [{ resource: 'PullRequest', code: 'custom', message }];
    const invalid = (field: string) => [{ resource: 'PullRequest', field, code: 'invalid' }];
    const errorsOf = async (changes: object) =>
      (await refusal(octokit.request(PULLS, { ...pull, ...changes }))).errors;
    assert.deepEqual(await errorsOf({}), custom('A pull request already exists for sam:feature.'));
    assert.deepEqual(await errorsOf({ head: 'same' }), custom('No commits between main and same'));
    assert.deepEqual(await errorsOf({ head: 'gone' }), invalid('head'));
    assert.deepEqual(await errorsOf({ base: 'gone' }), invalid('base'));
    assert.deepEqual(await refusal(client('narrow').request(PULLS, pull)), {
      status: 403,
      message: 'Resource not accessible by personal access token',
      errors: undefined,
    });
  });

  it('fails on request, before or after it has done what was asked', async () => {
    const octokit = client('full');
    github.failNext({ status: 502 });
    const wrong = await fetch(`${github.apiUrl}/user`);
    assert.equal(wrong.status, 502);
    github.failNext('lost-answer');
    const pull = { ...REPO, title: 'More', head: 'feature', base: 'main' };
    await assert.rejects(octokit.request(PULLS, pull));
    assert.deepEqual(
      github.pulls('sam', 'notes').map(({ number, head }) => ({ number, head })),
      [{ number: 1, head: 'feature' }],
    );
  });
});

interface Refused {
  status: number;
  message: string;
  errors: unknown;
}

/** What a request was refused with; fails where it was not. */
async function refusal(request: Promise<unknown>): Promise<Refused> {
  const error: unknown = await request.then(
    () => assert.fail('the request was carried out'),
    (reason: unknown) => reason,
  );
  const { status, response } = error as { status: number; response: { data: Omit<Refused, 'status'> } };
  return { status, message: response.data.message, errors: response.data.errors };
}
