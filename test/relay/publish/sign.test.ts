import assert from 'node:assert/strict';
import { type Accepted, type Desk, NAME, OWNER, openDesk } from './desk.ts';

/** Commits that GitHub makes and signs as the person, held against what was accepted. */
describe('a signed publication', function () {
  this.timeout(90_000);
  let desk: Desk;
  let task: Accepted;

  before(async () => {
    desk = await openDesk();
    const command =
      'printf "\\0\\377 bytes" > data.bin; echo "# more" >> README.md; rm AGENTS.md; mkdir -p a/b; echo deep > a/b/c.txt';
    task = await desk.work(command);
  });
  after(() => desk.close());

  const branches = () => desk.git('for-each-ref', '--format=%(refname:short)', 'refs/heads');
  const mutations = () => desk.github.requests.filter(({ path }) => path === '/api/graphql').length;

  it('has a commit by the person, signed by GitHub, with exactly the accepted tree', async () => {
    const publish = await task.publish({ branch: 'signed', title: 'Signed', body: 'Why', sign: true });
    assert.equal(publish.stage, 'opened');
    assert.equal(await desk.git('rev-parse', 'signed'), publish.commit);
    assert.equal(await desk.git('rev-parse', 'signed^{tree}'), task.acceptedTree);
    assert.equal(await desk.git('rev-parse', 'signed^'), desk.workshop.commit);
    assert.equal(
      await desk.git('log', '-1', '--format=%an <%ae>|%cn|%B', 'signed'),
      'Sam Sample <101+sam@users.noreply.github.com>|GitHub|Signed\n\nWhy\n\nAssisted-by: Handoff (fake-model)',
    );
    assert.match(await desk.git('cat-file', 'commit', 'signed'), /^gpgsig -----BEGIN PGP SIGNATURE-----$/m);
    assert.deepEqual(
      (await branches()).split('\n'),
      ['main', 'signed'],
      'nothing is left of how it was made',
    );
  });

  it('is gone on with when it is tried again, with the commit that was made', async () => {
    const before = mutations();
    desk.github.cutNextPush('before', { offline: true });
    const failed = await task.publish({ branch: 'signed-again', title: 'Again', sign: true });
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'github_unavailable']);
    desk.github.setOffline(false);
    const opened = await task.publish({ branch: 'signed-again', title: 'Again', sign: true });
    assert.deepEqual([opened.stage, opened.commit], ['opened', failed.commit]);
    assert.equal(mutations() - before, 1);
  });

  it('clears away what a relay left that was killed while commits were made', async () => {
    const left = `handoff-signing/${task.taskId}`;
    await desk.git('update-ref', `refs/heads/${left}`, await desk.git('rev-parse', 'signed'));
    const publish = await task.publish({ branch: 'after-kill', title: 'After a kill', sign: true });
    assert.equal(publish.stage, 'opened');
    assert.equal(await desk.git('for-each-ref', 'refs/heads/handoff-signing'), '');
  });

  it('replaces an earlier commit of the task, and nobody else’s', async () => {
    await task.publish({ branch: 'replaced', title: 'Unsigned' });
    const signed = await task.publish({ branch: 'replaced', title: 'Now signed', sign: true });
    assert.deepEqual([signed.stage, signed.pullRequest?.reused], ['opened', true]);
    assert.equal(await desk.git('rev-parse', 'replaced'), signed.commit);
    const tree = await desk.git('rev-parse', 'main^{tree}');
    const theirs = await desk.git('commit-tree', tree, '-p', 'main', '-m', 'theirs');
    await desk.git('update-ref', 'refs/heads/replaced', theirs);
    const refused = await task.publish({ branch: 'replaced', title: 'Once more', sign: true });
    assert.deepEqual([refused.stage, refused.error?.code], ['failed', 'push_rejected']);
    assert.equal(await desk.git('rev-parse', 'replaced'), theirs);
  });

  it('has the uncommitted work as a first commit, where that comes along', async () => {
    const overlay = [
      { path: 'begun.md', mode: '100644' as const, content: Buffer.from('x\n').toString('base64') },
    ];
    const started = await desk.work('echo y > made.md', { source: { overlay } });
    const publish = await started.publish({
      branch: 'two',
      title: 'Two',
      uncommitted: 'include',
      sign: true,
    });
    assert.equal(publish.stage, 'opened');
    assert.equal(await desk.git('rev-parse', 'two^{tree}'), started.acceptedTree);
    assert.deepEqual((await desk.git('log', '--format=%s|%cn', 'main..two')).split('\n'), [
      'Two|GitHub',
      'Add work that was not committed yet|GitHub',
    ]);
  });

  it('is refused before anything is sent, where GitHub’s API cannot carry it', async () => {
    const before = desk.github.requests.length;
    for (const command of ['chmod +x src/cli.js', 'ln -s README.md link.md']) {
      const other = await desk.work(command);
      const failed = await other.publish({ branch: 'modes', sign: true });
      assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'signing_impossible']);
      assert.equal((await other.publish({ branch: `unsigned-${command.slice(0, 2)}` })).stage, 'opened');
    }
    const sent = desk.github.requests.slice(before).filter(({ path }) => path.includes('modes'));
    assert.deepEqual(sent, []);
  });

  it('is refused where GitHub does not have the commit that the task began at', async () => {
    const elsewhere = await desk.github
      .addRepo(OWNER, 'empty', { files: { 'other.md': 'x\n' } })
      .then(() => desk.work('echo z > z.md', { remote: `${desk.github.url}/${OWNER}/empty.git` }));
    const failed = await elsewhere.publish({ branch: 'z', sign: true });
    assert.deepEqual([failed.stage, failed.error?.code], ['failed', 'signing_impossible']);
    assert.equal(await desk.github.git(OWNER, 'empty', ['for-each-ref', 'refs/heads/z']), '');
  });

  it('puts nothing on the branch where GitHub makes another commit than was meant', async () => {
    desk.github.tamper((path) => (path === 'README.md' ? 'something else\n' : undefined));
    const failed = await task.publish({ branch: 'tampered', title: 'Tampered', sign: true });
    assert.deepEqual(
      [failed.stage, failed.error],
      [
        'failed',
        {
          code: 'tree_not_accepted',
          message: 'The commit that GitHub made is not what was accepted.',
          nextAction: 'Publish without a signature by GitHub; nothing has been put on the branch.',
        },
      ],
    );
    assert.doesNotMatch(await branches(), /tampered|handoff-signing/);
    assert.equal(
      desk.github.pulls(OWNER, NAME).some(({ head }) => head === 'tampered'),
      false,
    );
  });
});
