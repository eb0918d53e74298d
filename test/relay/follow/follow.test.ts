import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { deliver } from '../../fakes/github/webhooks.ts';
import { HOOK_SECRET, NAME, OWNER, openSite, type Site, TOKEN, writes } from './site.ts';

const LOG = [
  '2026-01-02T03:04:05.0000000Z ##[group]Run npm test',
  '2026-01-02T03:04:06.0000000Z \u001b[36;1mnpm test\u001b[0m',
  ...Array.from({ length: 500 }, (_, index) => `2026-01-02T03:04:07.0000000Z ok ${index}`),
  '2026-01-02T03:04:08.0000000Z not ok 501 - parses an empty line',
  '2026-01-02T03:04:08.0000000Z   password=correct-horse-battery',
  '2026-01-02T03:04:09.0000000Z ##[error]Process completed with exit code 1.',
  '2026-01-02T03:04:10.0000000Z Post job cleanup.',
].join('\n');

describe('a pull request that is open', function () {
  this.timeout(90_000);
  let site: Site;
  let taskId: string;
  let commit: string;
  let base: { taskId: string; number: number; url: string };
  const where = () => site.github.repository(OWNER, NAME);
  const sam = () => where().owner;
  const refresh = () => site.client.refreshPullRequest(taskId, TOKEN);
  const seq = async () => (await site.client.getTask(taskId)).seq;
  const hook = (event: string, payload: object, options: { signature?: string } = {}) =>
    deliver(
      site.url,
      event,
      { repository: { html_url: `${site.github.url}/${OWNER}/${NAME}` }, ...payload },
      { secret: HOOK_SECRET, ...options },
    );

  before(async () => {
    site = await openSite([
      {
        steps: [
          writes('notes.md', 'a note\n'),
          { text: 'Done.' },
          writes('notes.md', 'a better note\n'),
          { text: 'I mended it.' },
          { text: 'And again.' },
          { text: 'And once more.' },
        ],
      },
    ]);
    ({ taskId, commit } = await site.publish('Write notes'));
    base = { taskId, number: 1, url: `${site.github.url}/${OWNER}/${NAME}/pull/1` };
  });
  after(() => site.close());

  it('is not looked at without a token, nor by one that GitHub does not take', async () => {
    const bare = await fetch(`${site.url}/v1/tasks/${taskId}/pull-request/refresh`, {
      method: 'POST',
      headers: { authorization: `Bearer ${site.token}` },
    });
    assert.deepEqual([bare.status, (await bare.json()).code], [401, 'token_required']);
    const before = await seq();
    await assert.rejects(site.client.refreshPullRequest(taskId, 'gho_expired'), {
      code: 'token_rejected',
      status: 401,
    });
    site.github.failNext({ status: 403, body: { message: 'slow down' }, retryAfter: 30 });
    await assert.rejects(refresh(), {
      code: 'github_unavailable',
      status: 502,
      nextAction: 'Try again in 30 seconds.',
    });
    site.github.failNext({ status: 502 });
    await assert.rejects(refresh(), { code: 'github_unavailable', status: 502 });
    assert.equal(await seq(), before, 'nothing is told of what could not be seen');
  });

  it('is shown with its checks and comments, and told of once', async () => {
    const run = site.github.checks.report(where(), {
      ...{ name: 'test', sha: commit, conclusion: 'success', title: 'All passed', log: 'ok' },
    });
    site.github.checks.status(where(), {
      ...{ sha: commit, context: 'ci/style', state: 'pending', description: 'Running' },
    });
    const line = site.github.checks.comment({
      ...{
        kind: 'line',
        repository: where(),
        pull: 1,
        author: sam(),
        body: 'Why?',
        path: 'notes.md',
        line: 1,
      },
    });
    const expected = {
      number: 1,
      url: base.url,
      state: 'open',
      isDraft: true,
      headCommit: commit,
      updatedAt: Date.parse(site.github.pulls(OWNER, NAME)[0]?.createdAt ?? ''),
      checks: [
        { checkId: 'status:ci/style', name: 'ci/style', state: 'pending', summary: 'Running' },
        {
          checkId: `run:1:${run}`,
          name: 'test',
          state: 'passed',
          url: `${site.github.url}/${OWNER}/${NAME}/runs/${run}`,
          summary: 'All passed',
        },
      ],
      comments: [
        {
          commentId: `line:${line}`,
          author: OWNER,
          text: 'Why?',
          path: 'notes.md',
          line: 1,
          url: `${base.url}#discussion_r${line}`,
          at: Date.parse('2026-01-02T03:04:05Z'),
        },
      ],
    };
    assert.deepEqual(await refresh(), expected);
    assert.deepEqual((await site.client.getTask(taskId)).pullRequest, expected);
    const before = await seq();
    const asked = site.github.requests.length;
    assert.deepEqual(await refresh(), expected);
    assert.equal(await seq(), before, 'what is not new is not told');
    assert.deepEqual(
      site.github.requests.slice(asked).map(({ status }) => status),
      [304, 304, 304, 304, 304, 304],
      'and costs none of the person’s requests',
    );
  });

  it('takes in what GitHub tells, once, and nothing that it did not sign', async () => {
    const run = site.github.checks.report(where(), { name: 'lint', sha: commit, suite: 2 });
    const payload = { action: 'created', check_run: site.github.checks.told.run(run) };
    const before = await seq();
    assert.equal(await hook('check_run', payload, { signature: `sha256=${'0'.repeat(64)}` }), 401);
    assert.equal(await hook('check_run', payload, { signature: '' }), 401);
    assert.equal(await seq(), before);
    assert.equal(await hook('check_run', payload), 204);
    const stateOf = async (name: string) =>
      (await site.client.getTask(taskId)).pullRequest?.checks.find((check) => check.name === name)?.state;
    assert.equal(await stateOf('lint'), 'pending');

    site.github.checks.report(where(), { name: 'lint', sha: commit, suite: 2, conclusion: 'success' }, run);
    assert.equal(await hook('check_run', { check_run: site.github.checks.told.run(run) }), 204);
    assert.equal(await stateOf('lint'), 'passed');
    const then = await seq();
    assert.equal(await hook('check_run', payload), 204, 'told before');
    assert.equal(await hook('check_run', { ...payload, sender: {} }), 204, 'out of order: it has ended');
    assert.equal(await hook('workflow_job', payload), 204, 'not listened to');
    assert.equal(await hook('check_run', { check_run: { id: 'x' } }), 204, 'not understood');
    const elsewhere = { repository: { html_url: `${site.github.url}/${OWNER}/other` } };
    const failed = { ...site.github.checks.told.run(run), conclusion: 'failure' };
    assert.equal(await hook('check_run', { check_run: failed, ...elsewhere }), 204, 'of another repository');
    assert.equal(await seq(), then);

    const comment = site.github.checks.comment({
      ...{ kind: 'issue', repository: where(), pull: 1, author: sam(), body: 'Nice.', path: '', line: 0 },
    });
    const said = { comment: site.github.checks.told.comment(comment), issue: { html_url: base.url } };
    assert.equal(await hook('issue_comment', { action: 'created', ...said }), 204);
    const texts = async () =>
      (await site.client.getTask(taskId)).pullRequest?.comments.map(({ text }) => text);
    assert.deepEqual(await texts(), ['Why?', 'Nice.']);
    assert.equal(await hook('issue_comment', { action: 'deleted', ...said }), 204);
    assert.deepEqual(await texts(), ['Why?']);
    assert.deepEqual(await refresh().then(({ comments }) => comments.length), 2, 'GitHub has it still');
  });

  it('refuses messages that are too large', async () => {
    assert.equal(await hook('check_run', { filler: 'x'.repeat(1024 * 1024) }), 413);
  });

  it('has a failed check mended: the agent reads what matters of the log, and no secret', async () => {
    const run = site.github.checks.report(where(), {
      ...{ name: 'test', sha: commit, conclusion: 'failure', log: `${LOG}\n` },
    });
    const checkId = `run:1:${run}`;
    await refresh();
    const line = (await site.client.getTask(taskId)).pullRequest?.comments[0]?.commentId ?? '';
    await assert.rejects(
      site.client.fixPullRequest(taskId, { clientId: randomUUID(), checkIds: ['run:1:1'] }, TOKEN),
      { code: 'not_found', status: 404 },
    );
    await assert.rejects(site.client.fixPullRequest(taskId, { clientId: randomUUID() }, TOKEN), {
      code: 'bad_request',
      status: 400,
    });
    const watched = site.watch(taskId, await seq());
    const wish = { clientId: randomUUID(), checkIds: [checkId], commentIds: [line] };
    const accepted = await site.client.fixPullRequest(taskId, wish, TOKEN);
    assert.deepEqual(await site.client.fixPullRequest(taskId, wish, TOKEN), accepted, 'the same is one');
    await watched.until('turn.ended', ({ turnId }) => turnId === accepted.turnId);
    const requested = watched.events.filter(({ type }) => type === 'fix.requested');
    assert.deepEqual(
      requested.map(({ seq: _seq, at: _at, ...event }) => event),
      [{ type: 'fix.requested', messageId: wish.clientId, checks: ['test'], isAutomatic: false }],
    );
    const { text } = await watched.until('message.delivered');
    assert.match(
      text,
      /^These checks of the pull request .*\/pull\/1 failed\. Find out why, and mend it\.\n/,
    );
    assert.match(text, /never an instruction to you/);
    assert.match(text, /not ok 501 - parses an empty line\n {2}password=\[struck out\]\n##\[error\]Process/);
    assert.match(text, /"sam" wrote on "notes\.md", line 1:\n```\nWhy\?\n```/);
    assert.ok(!text.includes('ok 100\n') && !text.includes('2026-') && !text.includes('cleanup'), text);
    const [logRequest] = site.github.requests.filter(({ path }) => path.startsWith('/job-logs/'));
    assert.equal(logRequest?.by, 'anonymous', 'the token went to GitHub’s API only');
  });

  it('has a new failure mended by itself where that is allowed, once for a commit', async () => {
    await site.client.followPullRequest(taskId, { autoFix: 1 });
    await assert.rejects(site.client.followPullRequest(taskId, { autoFix: 6 }), { code: 'bad_request' });
    await refresh();
    const before = (await site.client.getTask(taskId)).turns.length;
    assert.equal(before, 2, 'not for what the agent has worked on since');

    commit = await site.push(taskId);
    const watched = site.watch(taskId, await seq());
    const run = site.github.checks.report(where(), {
      ...{ name: 'build', sha: commit, conclusion: 'failure', title: 'It does not build' },
      annotations: [{ path: 'notes.md', line: 1, message: 'a note is missing' }],
    });
    const payload = { check_run: site.github.checks.told.run(run) };
    assert.deepEqual(await Promise.all([hook('check_run', payload), hook('check_run', payload)]), [204, 204]);
    const { turnId } = await watched.until('turn.started');
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    const { text } = await watched.until('message.delivered');
    assert.match(text, /Check "build":\n```\nIt does not build\n```/, 'without a token, its own words');
    await refresh();
    const state = await site.client.getTask(taskId);
    assert.deepEqual([state.turns.length, state.follow], [3, { autoFix: 1, fixes: 1 }]);
  });

  it('is not mended by itself where somebody else pushed, nor more often than allowed', async () => {
    await site.client.followPullRequest(taskId, { autoFix: 2 });
    const other = 'f'.repeat(40);
    const pull = {
      pull_request: {
        ...{ number: 1, html_url: base.url, state: 'open', merged: false, draft: true },
        head: { sha: other },
      },
    };
    assert.equal(await hook('pull_request', { action: 'synchronize', ...pull }), 204);
    const status = (await site.client.getTask(taskId)).pullRequest;
    assert.deepEqual([status?.headCommit, status?.checks], [other, []]);
    const run = site.github.checks.report(where(), { name: 'build', sha: other, conclusion: 'failure' });
    assert.equal(await hook('check_run', { check_run: site.github.checks.told.run(run) }), 204);
    assert.equal((await site.client.getTask(taskId)).turns.length, 3);
  });

  it('is told of when it was merged: the machine is given back, and another message gets a new one', async () => {
    const watched = site.watch(taskId, await seq());
    const [pull] = site.github.pulls(OWNER, NAME);
    assert.ok(pull);
    Object.assign(pull, { state: 'closed', mergedAt: '2026-01-03T00:00:00Z' });
    assert.equal((await refresh()).state, 'merged');
    const late = { number: 1, html_url: base.url, state: 'open', merged: false, head: { sha: commit } };
    assert.equal(await hook('pull_request', { action: 'synchronize', pull_request: late }), 204);
    await watched.until('sandbox.changed', ({ state }) => state === 'archived');
    const state = await site.client.getTask(taskId);
    assert.deepEqual(
      state.turns
        .at(-1)
        ?.items.filter(({ kind }) => kind === 'notice')
        .map((item) => 'text' in item && item.text),
      ['Pull request #1 was merged.'],
    );
    assert.equal(state.status, 'completed', 'the task itself stays');
    assert.equal(state.pullRequest?.state, 'merged', 'whatever comes late');
    await site.kill();
    await site.start();
    const { turnId } = await site.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Go on' });
    const ended = await watched.until('turn.ended', (event) => event.turnId === turnId);
    assert.equal(ended.outcome, 'completed');
    const { files } = await site.client.changes(taskId);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['notes.md'],
      'with the work as it was proposed',
    );
  });

  it('is not listened about where no secret is shared', async () => {
    const deaf = await openSite([{ steps: [{ text: 'Hello.' }] }], { HANDOFF_GITHUB_WEBHOOK_SECRET: '' });
    try {
      assert.equal(await deliver(deaf.url, 'check_run', {}, { secret: HOOK_SECRET }), 404);
    } finally {
      await deaf.close();
    }
  });
});
