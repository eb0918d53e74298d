import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { AppError } from '../../../server/errors.ts';
import { failureOf } from '../../../server/github/api.ts';
import { openPullRequest } from '../../../server/github/pull-request.ts';
import { getViewer } from '../../../server/github/viewer.ts';
import { type FakeGitHub, type FakeGitHubOptions, startFakeGitHub } from '../../fakes/github/server.ts';

const TOKEN = 'gho_canary0123456789';
const SAM = {
  login: 'sam',
  id: 101,
  name: 'Sam Sample',
  tokens: {
    [TOKEN]: { scopes: ['repo'] },
    reader: { scopes: [], pullRequests: 'read' as const },
  },
};

async function withGitHub(
  run: (github: FakeGitHub) => Promise<void>,
  options: Partial<FakeGitHubOptions> = {},
): Promise<void> {
  const github = await startFakeGitHub({
    users: [SAM],
    repos: [{ owner: 'sam', name: 'notes', content: { files: { 'a.md': 'one\n' } } }],
    ...options,
  });
  try {
    const tree = await github.git('sam', 'notes', ['rev-parse', 'main^{tree}']);
    const commit = await github.git('sam', 'notes', ['commit-tree', tree, '-p', 'main', '-m', 'work']);
    await github.git('sam', 'notes', ['update-ref', 'refs/heads/handoff/work', commit]);
    await run(github);
  } finally {
    await github.close();
  }
}

const inputTo = (github: { apiUrl: string }) => ({
  apiUrl: github.apiUrl,
  token: TOKEN,
  owner: 'sam',
  repo: 'notes',
  head: 'handoff/work',
  base: 'main',
  title: 'Work',
  body: 'What was done',
  draft: true,
});

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, `expected an AppError, got ${inspect(error)}`);
  assert.ok(error.nextAction, 'says what to do');
  assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes('canary'), 'keeps the token to itself');
  return error;
}

describe('pull request', () => {
  it('is opened as the person, with what was asked for', () =>
    withGitHub(async (github) => {
      const opened = await openPullRequest(inputTo(github));
      const [pull, ...more] = github.pulls('sam', 'notes');
      assert.deepEqual(opened, { url: `${github.url}/sam/notes/pull/1`, number: 1, reused: false });
      assert.deepEqual(
        [pull?.title, pull?.body, pull?.draft, pull?.head, pull?.base, pull?.author.login, more],
        ['Work', 'What was done', true, 'handoff/work', 'main', 'sam', []],
      );
    }));

  it('is opened once, however often it is asked for', () =>
    withGitHub(async (github) => {
      const first = await openPullRequest(inputTo(github));
      assert.deepEqual(await openPullRequest(inputTo(github)), { ...first, reused: true });
      assert.equal(github.pulls('sam', 'notes').length, 1);
    }));

  it('that is open takes a person’s new words and stays ready or not as it is there; without a person it keeps its own', () =>
    withGitHub(async (github) => {
      const first = await openPullRequest({ ...inputTo(github), draft: false });
      const words = () => github.pulls('sam', 'notes').map(({ title, body, draft }) => [title, body, draft]);
      const edited = { ...inputTo(github), title: 'Better', body: 'Why' };
      assert.deepEqual(await openPullRequest(edited), { ...first, reused: true });
      assert.deepEqual(words(), [['Work', 'What was done', false]]);
      const reworded = { ...edited, isReworded: true };
      assert.deepEqual(await openPullRequest(reworded), { ...first, reused: true });
      assert.deepEqual(await openPullRequest(reworded), { ...first, reused: true });
      assert.deepEqual(words(), [['Better', 'Why', false]]);
    }));

  it('is found when GitHub made it and its answer was lost', () =>
    withGitHub(async (github) => {
      let posted = false;
      const proxy = await cutAnswers(github, (method) => method === 'POST' && !posted && (posted = true));
      try {
        const opened = await openPullRequest({ ...inputTo(github), apiUrl: proxy.apiUrl });
        assert.deepEqual([opened.number, opened.reused, github.pulls('sam', 'notes').length], [1, false, 1]);
      } finally {
        await proxy.close();
      }
    }));

  it('goes to the default branch where no base is known', () =>
    withGitHub(async (github) => {
      const { base: _, ...input } = inputTo(github);
      await openPullRequest(input);
      assert.equal(github.pulls('sam', 'notes')[0]?.base, 'main');
    }));

  it('goes to the default branch where the person’s branch was never pushed', () =>
    withGitHub(async (github) => {
      await openPullRequest({ ...inputTo(github), base: 'only-local' });
      assert.deepEqual(
        github.pulls('sam', 'notes').map(({ base, draft }) => ({ base, draft })),
        [{ base: 'main', draft: true }],
      );
    }));

  it('is opened ready for review where the plan has no drafts', () =>
    withGitHub(async (github) => {
      const unsupported = { message: 'Draft pull requests are not supported in this repository.' };
      let posted = false;
      const proxy = await cutAnswers(
        github,
        () => false,
        (method) =>
          method === 'POST' && !posted && (posted = true) ? { status: 422, body: unsupported } : undefined,
      );
      try {
        await openPullRequest({ ...inputTo(github), apiUrl: proxy.apiUrl });
        assert.deepEqual(
          github.pulls('sam', 'notes').map(({ draft }) => draft),
          [false],
        );
      } finally {
        await proxy.close();
      }
    }));

  for (const [what, change, code] of [
    ['a token that nobody has', { token: 'gho_canary_wrong' }, 'token_rejected'],
    ['a token that would be two headers', { token: 'gho_canary\r\nx: y' }, 'token_rejected'],
    ['a token without the right', { token: 'reader' }, 'pull_request_forbidden'],
    ['a repository that the account does not see', { repo: 'hidden' }, 'pull_request_forbidden'],
    ['a branch that is not there', { head: 'nowhere' }, 'pull_request_rejected'],
    ['a branch without commits', { head: 'main' }, 'pull_request_rejected'],
    ['a GitHub that is not there', { apiUrl: 'http://127.0.0.1:9' }, 'github_unavailable'],
  ] as const) {
    it(`says so for ${what}`, () =>
      withGitHub(async (github) => {
        assert.equal((await failure(openPullRequest({ ...inputTo(github), ...change }))).code, code);
        assert.deepEqual(github.pulls('sam', 'notes'), []);
      }));
  }

  for (const [status, retryAfter, code] of [
    [500, undefined, 'github_unavailable'],
    [503, undefined, 'github_unavailable'],
    [403, 30, 'github_unavailable'],
    [429, 30, 'github_unavailable'],
    [403, undefined, 'pull_request_forbidden'],
    [410, undefined, 'pull_request_rejected'],
  ] as const) {
    it(`tells ${status}${retryAfter ? ' with a time to wait' : ''} as ${code}`, () =>
      withGitHub(async (github) => {
        github.failNext({ status, ...(retryAfter ? { retryAfter } : {}) });
        const error = await failure(openPullRequest(inputTo(github)));
        assert.equal(error.code, code);
        if (retryAfter) assert.match(error.nextAction ?? '', /30 seconds/);
      }));
  }

  it('stops when it is cancelled, with the reason', () =>
    withGitHub(async (github) => {
      const reason = new Error('stop');
      const input = { ...inputTo(github), signal: AbortSignal.abort(reason) };
      await assert.rejects(openPullRequest(input), reason);
    }));
});

describe('viewer', () => {
  it('is named as GitHub names them, with the no-reply address where none is public', () =>
    withGitHub(async ({ apiUrl }) => {
      assert.deepEqual(await getViewer({ apiUrl, token: TOKEN }), {
        login: 'sam',
        name: 'Sam Sample',
        email: '101+sam@users.noreply.github.com',
      });
    }));

  it('is named by login and public address', () =>
    withGitHub(
      async ({ apiUrl }) => {
        assert.deepEqual(await getViewer({ apiUrl, token: TOKEN }), {
          login: 'sam',
          name: 'sam',
          email: 'sam@example.test',
        });
      },
      { users: [{ ...SAM, name: '<>', email: 'sam@example.test' }] },
    ));

  it('is nobody with a wrong token', () =>
    withGitHub(async ({ apiUrl }) => {
      assert.equal((await failure(getViewer({ apiUrl, token: 'gho_canary_wrong' }))).code, 'token_rejected');
    }));
});

/** A hop before the API that loses some answers, and gives some itself. */
async function cutAnswers(
  github: FakeGitHub,
  loses: (method: string) => boolean,
  answers: (method: string) => { status: number; body: unknown } | undefined = () => undefined,
): Promise<{ apiUrl: string; close(): Promise<void> }> {
  const prefix = new URL(github.apiUrl).pathname;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const method = request.method ?? '';
    const own = answers(method);
    if (own !== undefined) {
      response.writeHead(own.status, { 'content-type': 'application/json' }).end(JSON.stringify(own.body));
      return;
    }
    const { authorization = '', 'user-agent': agent = '' } = request.headers;
    const answer = await fetch(`${github.url}${prefix}${request.url}`, {
      method,
      headers: { authorization, 'user-agent': agent },
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    });
    const text = await answer.text();
    if (loses(method)) response.destroy();
    else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    apiUrl: `http://127.0.0.1:${address.port}`,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}

describe('a refusal of GitHub', () => {
  const refusal = (status: number, headers: Record<string, string>) =>
    failureOf(Object.assign(new Error('no'), { name: 'HttpError', status, response: { headers, data: {} } }));

  it('by its limit says how long to wait, by either header', () => {
    const soon = String(Math.floor(Date.now() / 1000) + 90);
    const [after, reset] = [
      refusal(403, { 'retry-after': '5', 'x-ratelimit-reset': soon }),
      refusal(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': soon }),
    ];
    assert.ok(after instanceof AppError && reset instanceof AppError);
    assert.deepEqual([after.code, after.nextAction], ['github_unavailable', 'Try again in 5 seconds.']);
    assert.match(reset.nextAction ?? '', /^Try again in (89|9[01]) seconds\.$/);
  });

  it('for single sign-on says where it is authorised, and leads nowhere else', () => {
    const sso = refusal(403, {
      'x-github-sso': 'required; url=https://github.com/orgs/x/sso?authorization_request=1',
    });
    assert.ok(sso instanceof AppError);
    assert.deepEqual(
      [sso.code, sso.nextAction],
      [
        'sso_required',
        'Authorise it at https://github.com/orgs/x/sso?authorization_request=1, then try again.',
      ],
    );
    const odd = refusal(403, { 'x-github-sso': 'required; url=javascript:alert(1)' });
    assert.ok(odd instanceof AppError && odd.code === 'pull_request_forbidden');
  });

  it('has words that fit whoever only looked as well', () => {
    for (const status of [401, 403, 404, 422, 429, 500]) {
      const failure = refusal(status, {});
      assert.ok(failure instanceof AppError && failure.nextAction);
      assert.doesNotMatch(`${failure.message} ${failure.nextAction}`, /publish|pushed|refused the pull/);
    }
  });
});
