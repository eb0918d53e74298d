import assert from 'node:assert/strict';
import { type Accepted, type Desk, NAME, OWNER, openDesk, TOKEN } from './desk.ts';

const SSO = 'https://github.example/orgs/trips/sso?authorization_request=A1';

/** Whatever goes wrong on the way to a pull request ends in a word that says what to do, and can be tried again. */
describe('a publication that', function () {
  this.timeout(90_000);
  let desk: Desk;
  let task: Accepted;

  before(async () => {
    desk = await openDesk({
      gho_cannot_push: { scopes: ['repo'], contents: 'read' },
      gho_sso: { scopes: ['repo'], sso: SSO },
      gho_narrow: { scopes: ['repo'] },
      gho_cannot_open: { scopes: ['repo'], pullRequests: 'read' },
    });
    task = await desk.work('echo done > done.md');
  });
  after(() => desk.close());

  const author = { name: 'Sam', email: 'sam@example.com' };
  const tip = (branch: string) => desk.git('for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);
  const isThere = async (branch: string) =>
    assert.equal(await desk.git('rev-parse', `${branch}^{tree}`), task.acceptedTree);

  it('meets a protected branch says so, and goes to another', async () => {
    await desk.github.protect(OWNER, NAME, 'release');
    const failed = await task.publish({ branch: 'release' });
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'branch_protected']);
    assert.match(failed.error?.message ?? '', /GH006: Protected branch update failed/);
    assert.equal(await tip('release'), '');
    assert.equal((await task.publish({ branch: 'beside-release' })).stage, 'opened');
    await isThere('beside-release');
  });

  it('comes from an account that may not push says so', async () => {
    const failed = await task.publish({ branch: 'denied', author }, 'gho_cannot_push');
    assert.deepEqual(
      [failed.stage, failed.error],
      [
        'failed',
        {
          code: 'push_rejected',
          message: `The account may not push to ${OWNER}/${NAME}.`,
          nextAction: 'Sign in with an account that may, or ask for write access to the repository.',
        },
      ],
    );
    assert.equal(await tip('denied'), '');
  });

  it('needs single sign-on says where, and goes on once it is authorised', async () => {
    const failed = await task.publish({ branch: 'sso', author }, 'gho_sso');
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'sso_required']);
    assert.equal(failed.error?.nextAction, `Authorise it at ${SSO}, then try again.`);
    assert.equal((await task.publish({ branch: 'sso', author })).stage, 'opened');
    await isThere('sso');
  });

  it('may not be opened by the token comes with a filled-in page, and is gone on with by one that may', async () => {
    const failed = await task.publish({ branch: 'by-hand' }, 'gho_cannot_open');
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'pull_request_forbidden']);
    assert.match(failed.compareUrl ?? '', /\/compare\/main\.\.\.by-hand\?expand=1&title=Do%20it$/);
    const pushed = await tip('by-hand');
    const opened = await task.publish({ branch: 'by-hand' });
    assert.deepEqual([opened.stage, opened.commit], ['opened', pushed], 'the same commit, pushed once');
  });

  it('finds its pull request open already brings that up to date', async () => {
    const first = await task.publish({ branch: 'twice' });
    const second = await task.publish({ branch: 'twice', title: 'Better words', body: 'Said anew' });
    assert.deepEqual(second.pullRequest, { ...first.pullRequest, reused: true });
    assert.deepEqual(
      desk.github
        .pulls(OWNER, NAME)
        .flatMap(({ head, title, body }) => (head === 'twice' ? [{ title, body }] : [])),
      [{ title: 'Better words', body: 'Said anew' }],
    );
    assert.equal(await tip('twice'), second.commit);
    assert.notEqual(second.commit, first.commit);
  });

  it('names a base that is not there says so, and takes the default branch where it only came from one', async () => {
    const failed = await task.publish({ branch: 'baseless', base: 'nowhere' });
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'base_missing']);
    const opened = await task.publish({ branch: 'baseless' });
    assert.equal(opened.stage, 'opened');
    const from = await desk.work('echo x > x.md', { source: { branch: 'never-pushed' } });
    assert.equal((await from.publish({ branch: 'from-local' })).stage, 'opened');
    assert.deepEqual(
      desk.github.pulls(OWNER, NAME).flatMap(({ head, base }) => (head === 'from-local' ? [base] : [])),
      ['main'],
    );
  });

  it('is asked to wait says for how long', async () => {
    desk.github.failNext({ status: 429, retryAfter: 17 });
    const failed = await task.publish({ branch: 'slow', author });
    assert.deepEqual(
      [failed.stage, failed.error],
      [
        'failed',
        {
          code: 'github_unavailable',
          message: 'GitHub asks to slow down.',
          nextAction: 'Try again in 17 seconds.',
        },
      ],
    );
    assert.equal((await task.publish({ branch: 'slow', author })).stage, 'opened');
  });

  it('loses the network before its push arrived is not there, and is when it is tried again', async () => {
    desk.github.cutNextPush('before', { offline: true });
    const failed = await task.publish({ branch: 'cut-before', author });
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'github_unavailable']);
    desk.github.setOffline(false);
    assert.equal(await tip('cut-before'), '');
    const again = await task.publish({ branch: 'cut-before', author });
    assert.deepEqual([again.stage, again.commit], ['opened', failed.commit]);
    await isThere('cut-before');
  });

  it('loses the network after its push arrived is found there, and gone on with', async () => {
    desk.github.cutNextPush('after', { offline: true });
    const failed = await task.publish({ branch: 'cut-after', author });
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'github_unavailable']);
    desk.github.setOffline(false);
    assert.equal(await tip('cut-after'), failed.commit);
    const again = await task.publish({ branch: 'cut-after', author });
    assert.deepEqual(
      [again.stage, again.commit, again.pullRequest?.reused],
      ['opened', failed.commit, false],
    );
  });

  it('loses nothing but the answer to its push does not even notice', async () => {
    desk.github.cutNextPush('after');
    assert.equal((await task.publish({ branch: 'answer-lost', author })).stage, 'opened');
    await isThere('answer-lost');
  });

  it('is for a remote that is not GitHub does not take the token there', async () => {
    const elsewhere = await desk.work('echo y > y.md', {
      remote: 'https://gitlab.example.com/trips/log.git',
    });
    const failed = await elsewhere.publish({}, TOKEN);
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'remote_not_github']);
  });

  it('changes workflows needs a yes of its own, and a token that may', async () => {
    const workflow = '.github/workflows/ci.yml';
    const risky = await desk.work(`mkdir -p .github/workflows; echo "on: push" > ${workflow}`);
    const unasked = await risky.publish({ branch: 'ci' });
    assert.deepEqual(
      [unasked.stage, unasked.error],
      [
        'failed',
        {
          code: 'workflows_need_consent',
          message: `What would be pushed changes what the repository runs by itself: ${workflow}.`,
          nextAction: 'Read those changes, then allow them, or do not accept them.',
        },
      ],
    );
    const narrow = await risky.publish({ branch: 'ci', allowWorkflows: true }, 'gho_narrow');
    assert.deepEqual([narrow.stage, narrow.error?.code], ['failed', 'workflow_scope_missing']);
    assert.equal(await tip('ci'), '');
    assert.equal((await risky.publish({ branch: 'ci', allowWorkflows: true })).stage, 'opened');
  });

  it('has secrets in it needs a word for each, and never repeats one', async () => {
    const secret = `ghp_${'Zx9Qw3'.repeat(6)}`;
    const leaky = await desk.work(`printf 'a\\nkey = "ghp_%s"\\n' ${secret.slice(4)} > notes.txt`);
    const { secrets } = await desk.workshop.client.preflight(leaky.taskId, {});
    const [fingerprint = ''] = secrets.map((finding) => finding.fingerprint);
    assert.deepEqual(secrets, [
      { path: 'notes.txt', line: 2, rule: 'github-token', fingerprint, masked: 'ghp_… (40 characters)' },
    ]);
    const failed = await leaky.publish({ branch: 'leaky' });
    assert.deepEqual(
      [failed.stage, failed.error?.code, failed.error?.message],
      [
        'failed',
        'secrets_found',
        `What would be pushed looks like it has secrets: notes.txt:2 (github-token, ${fingerprint}).`,
      ],
    );
    const { client } = desk.workshop;
    const { acceptedTree } = leaky;
    await assert.rejects(client.commitBundle(leaky.taskId, { acceptedTree, title: 'x', author }), {
      code: 'secrets_found',
      status: 409,
    });
    assert.equal(await tip('leaky'), '');
    const allowed = await leaky.publish({ branch: 'leaky', allowedSecrets: [fingerprint] });
    assert.equal(allowed.stage, 'opened');
    const told = await leaky.publish({
      branch: 'told',
      body: `It is ${secret}`,
      allowedSecrets: [fingerprint],
    });
    assert.deepEqual([told.stage, told.error?.code, told.commit], ['failed', 'secrets_found', undefined]);
    assert.match(told.error?.message ?? '', /: \(description\):3 \(github-token, [0-9a-f]{24}\)\.$/);
    const log = desk.workshop.log();
    assert.ok(!JSON.stringify([failed, told, secrets]).includes(secret) && !log.includes(secret));
  });
});
