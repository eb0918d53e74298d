import assert from 'node:assert/strict';
import { type Accepted, type Desk, NAME, OWNER, openDesk, TOKEN } from './desk.ts';

const TEMPLATE = '## Summary\n\n<!-- What and why -->\n\n## Checklist\n\n- [ ] Tests\n';
const overlay = [
  {
    path: '.github/PULL_REQUEST_TEMPLATE.md',
    mode: '100644' as const,
    content: Buffer.from(TEMPLATE).toString('base64'),
  },
];

describe('a look before a pull request', function () {
  this.timeout(90_000);
  let desk: Desk;
  let task: Accepted;

  before(async () => {
    desk = await openDesk({ gho_reader: { scopes: ['repo'], contents: 'read' } });
    task = await desk.work('echo one > one.md');
  });
  after(() => desk.close());

  const look = (asked: object = {}, token: string | undefined = TOKEN, { taskId } = task) =>
    desk.workshop.client.preflight(taskId, asked, token);
  const codes = (problems: { code: string }[]) => problems.map(({ code }) => code);

  it('finds that nothing is in the way, and changes nothing', async () => {
    const found = await look({ branch: 'fresh' });
    const { title } = await task.state();
    assert.deepEqual(found, {
      forge: 'github',
      repository: `${OWNER}/${NAME}`,
      mayPush: true,
      base: { branch: 'main', exists: true, isProtected: false },
      head: { branch: 'fresh', state: 'free' },
      pushedTree: task.acceptedTree,
      workflows: [],
      secrets: [],
      title,
      body: 'It is done.',
      compareUrl: found.compareUrl,
      problems: [],
    });
    assert.equal(
      found.compareUrl,
      `${desk.github.url}/${OWNER}/${NAME}/compare/main...fresh?expand=1&title=${encodeURIComponent(title)}&body=It%20is%20done.`,
    );
    assert.equal(await desk.git('for-each-ref', 'refs/heads/fresh'), '');
    assert.equal((await task.state()).publish, undefined);
  });

  it('knows its own branch and its open pull request again', async () => {
    const { pullRequest } = await task.publish({ branch: 'opened', title: 'Mine', body: 'My own words' });
    const found = await look({ branch: 'opened' });
    assert.deepEqual([found.title, found.body], ['Mine', 'My own words'], 'as they are there');
    const pull = desk.github.pulls(OWNER, NAME).find(({ head }) => head === 'opened');
    assert.ok(pull);
    pull.body = `Edited there: ghp_${'Zx9Qw3'.repeat(6)}`;
    const edited = await look({ branch: 'opened' });
    assert.deepEqual(
      [edited.body, edited.secrets.map(({ path, line }) => `${path}:${line}`), codes(edited.problems)],
      [pull.body, ['(description):3'], ['secrets_found']],
    );
    assert.deepEqual(found.head, { branch: 'opened', state: 'ours', isProtected: false });
    assert.deepEqual(found.existing, { url: pullRequest?.url, number: pullRequest?.number });
    assert.deepEqual((await look()).head, found.head, 'the branch that it keeps to');
  });

  it('names everything that stands in the way, in order', async () => {
    const theirs = await desk.git(
      'commit-tree',
      await desk.git('rev-parse', 'main^{tree}'),
      '-p',
      'main',
      '-m',
      'x',
    );
    await desk.git('update-ref', 'refs/heads/release', theirs);
    await desk.github.protect(OWNER, NAME, 'release');
    const risky = await desk.work('mkdir -p .github/workflows; echo "on: push" > .github/workflows/ci.yml');
    const found = await look({ branch: 'release', base: 'nowhere' }, 'gho_reader', risky);
    assert.deepEqual(codes(found.problems), [
      'workflows_need_consent',
      'push_rejected',
      'workflow_scope_missing',
      'branch_protected',
      'base_missing',
      'push_rejected',
    ]);
    assert.deepEqual(
      [found.mayPush, found.base, found.head],
      [false, { branch: 'nowhere', exists: false }, { branch: 'release', state: 'taken', isProtected: true }],
    );
    assert.deepEqual(found.workflows, ['.github/workflows/ci.yml']);
  });

  it('keeps to the repository’s template, and says what of the uncommitted work there is', async () => {
    const started = await desk.work('echo two > two.md; echo more >> .github/PULL_REQUEST_TEMPLATE.md', {
      source: { overlay },
    });
    const found = await look({ branch: 'templated' }, TOKEN, started);
    assert.equal(found.template, TEMPLATE);
    assert.equal(
      found.body,
      '## Summary\n\nIt is done.\n\n<!-- What and why -->\n\n## Checklist\n\n- [ ] Tests',
    );
    assert.deepEqual(found.uncommitted, { files: 1, conflicts: ['.github/PULL_REQUEST_TEMPLATE.md'] });
    assert.deepEqual([found.pushedTree, codes(found.problems)], [undefined, ['uncommitted_conflict']]);
    const along = await look({ branch: 'templated', uncommitted: 'include' }, TOKEN, started);
    assert.deepEqual([along.pushedTree, along.problems], [started.acceptedTree, []]);
  });

  it('tells what is known where GitHub cannot be reached, or there is no token', async () => {
    desk.github.setOffline(true);
    const offline = await look({ branch: 'offline' });
    desk.github.setOffline(false);
    assert.deepEqual(
      [offline.repository, offline.base, offline.head, offline.pushedTree, codes(offline.problems)],
      [
        `${OWNER}/${NAME}`,
        { branch: 'main' },
        { branch: 'offline' },
        task.acceptedTree,
        ['github_unavailable'],
      ],
    );
    const before = desk.github.requests.length;
    const anonymous = await desk.workshop.client.preflight(task.taskId, {});
    assert.deepEqual([anonymous.mayPush, codes(anonymous.problems)], [undefined, ['token_required']]);
    assert.equal(desk.github.requests.length, before);
    assert.deepEqual(codes((await look({}, 'gho_expired')).problems), ['token_rejected']);
  });

  it('has the page of a forge that is not GitHub, which is told nothing', async () => {
    const elsewhere = await desk.work('echo x > x.md', { remote: 'git@gitlab.example.com:trips/log.git' });
    const found = await look({ branch: 'mine' }, TOKEN, elsewhere);
    assert.deepEqual(
      [found.forge, found.repository, codes(found.problems)],
      ['gitlab', 'trips/log', ['remote_not_github']],
    );
    assert.match(
      found.compareUrl ?? '',
      /^https:\/\/gitlab\.example\.com\/trips\/log\/-\/merge_requests\/new\?merge_request%5Bsource_branch%5D=mine&/,
    );
  });

  it('says so where nothing is accepted', async () => {
    const { client } = desk.workshop;
    const { revision } = await client.changes(task.taskId);
    await client.putReview(task.taskId, { revision, accepted: [] });
    const found = await look({ branch: 'nothing' });
    assert.deepEqual([found.pushedTree, codes(found.problems)], [undefined, ['nothing_accepted']]);
  });
});
