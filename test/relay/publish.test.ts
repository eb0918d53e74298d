import assert from 'node:assert/strict';
import { type FakeGitHub, startFakeGitHub } from '../fakes/github/server.ts';
import { SAMPLE_FILES } from '../fakes/sample.ts';
import { openWorkshop, type Workshop } from './turn/workshop.ts';

const TOKEN = 'gho_full';
const CANNOT_OPEN = 'gho_pushes_only';
const [OWNER, NAME] = ['sam', 'trip-log'];

/** Review and publication over the relay's API, with real Git over HTTP behind it. */
describe('a reviewed task', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  let github: FakeGitHub;
  let taskId: string;

  before(async () => {
    github = await startFakeGitHub({
      users: [
        {
          login: OWNER,
          id: 101,
          name: 'Sam Sample',
          tokens: {
            [TOKEN]: { scopes: ['repo'] },
            [CANNOT_OPEN]: { scopes: ['repo'], pullRequests: 'read' },
          },
        },
      ],
      repos: [{ owner: OWNER, name: NAME, content: { directory: SAMPLE_FILES } }],
    });
    const edit = (path: string, oldText: string, newText: string) => ({
      name: 'edit',
      arguments: { path, oldText, newText },
    });
    workshop = await openWorkshop(
      [
        {
          steps: [
            {
              toolCalls: [
                { name: 'read', arguments: { path: 'README.md' } },
                edit('README.md', '# trip-log', '# Trip log'),
                edit('README.md', 'there is nothing to install', 'nothing needs installing'),
                { name: 'write', arguments: { path: 'NOTES.md', content: 'No newline at the end' } },
                {
                  name: 'bash',
                  arguments: { command: 'rm AGENTS.md; chmod +x src/cli.js; printf "\\0\\1" > logo.bin' },
                },
              ],
            },
            { text: 'Done.' },
          ],
        },
      ],
      { HANDOFF_GITHUB_URL: github.url, HANDOFF_GITHUB_API_URL: github.apiUrl },
    );
    taskId = await workshop.delegate('Polish the papers', `${github.url}/${OWNER}/${NAME}.git`);
    await workshop.watch(taskId).until('turn.ended');
  });
  after(async () => {
    await workshop.close();
    await github.close();
  });

  const git = async (...args: string[]): Promise<string> => (await github.git(OWNER, NAME, args)).trim();
  const accept = async (choose: (path: string, hunks: string[]) => 'all' | string[] | undefined) => {
    const { revision, files } = await workshop.client.changes(taskId);
    const accepted = files.flatMap(({ path, hunks }) => {
      const chosen = choose(
        path,
        hunks.map(({ hash }) => hash),
      );
      return chosen === undefined ? [] : [{ path, hunks: chosen }];
    });
    return (await workshop.client.putReview(taskId, { revision, accepted })).acceptedTree;
  };

  it('proposes what the agent did, by file and hunk, in the order of reading', async () => {
    const { files } = await workshop.client.changes(taskId);
    assert.deepEqual(
      files.map(({ path, status, binary, oldMode, newMode, hunks }) => [
        path,
        status,
        binary,
        oldMode,
        newMode,
        hunks.length,
      ]),
      [
        ['src/cli.js', 'modified', false, '100644', '100755', 0],
        ['logo.bin', 'added', true, null, '100644', 0],
        ['AGENTS.md', 'deleted', false, '100644', null, 1],
        ['NOTES.md', 'added', false, null, '100644', 1],
        ['README.md', 'modified', false, '100644', '100644', 2],
      ],
    );
  });

  it('gives the base for nothing accepted, and the proposal for everything', async () => {
    const { baseTree, headTree } = await workshop.client.changes(taskId);
    assert.equal(await accept(() => undefined), baseTree);
    assert.equal(await accept(() => 'all'), headTree);
  });

  it('is pushed with exactly the accepted hunks, as the person', async () => {
    const acceptedTree = await accept((path, [first = '']) => {
      if (path === 'README.md') return [first];
      return path === 'src/cli.js' || path === 'logo.bin' ? 'all' : undefined;
    });
    const publish = await workshop.client.openPullRequest(
      taskId,
      { acceptedTree, title: 'Polish the papers', body: 'As asked.', draft: false },
      TOKEN,
    );
    assert.equal(publish.stage, 'opened');
    assert.deepEqual(publish.pullRequest, { url: publish.pullRequest?.url, number: 1, reused: false });
    const { branch } = publish;
    assert.match(branch, /^handoff\/polish-the-papers-[0-9a-f]{8}$/);
    assert.equal(await git('rev-parse', `${branch}^{tree}`), acceptedTree);
    assert.equal(await git('rev-parse', `${branch}^`), workshop.commit);
    assert.equal(
      await git('log', '-1', '--format=%an <%ae>|%cn <%ce>|%B', branch),
      'Sam Sample <101+sam@users.noreply.github.com>|Sam Sample <101+sam@users.noreply.github.com>|Polish the papers\n\nAs asked.\n\nAssisted-by: Handoff (fake-model)',
    );
    assert.deepEqual((await git('diff', '--name-status', 'main', branch)).split('\n'), [
      'M\tREADME.md',
      'A\tlogo.bin',
      'M\tsrc/cli.js',
    ]);
    const readme = await git('show', `${branch}:README.md`);
    assert.ok(readme.startsWith('# Trip log\n') && readme.includes('there is nothing to install'));
    assert.deepEqual((await workshop.client.getTask(taskId)).publish, publish);
  });

  it('brings the same pull request up to date when more is accepted', async () => {
    const acceptedTree = await accept(() => 'all');
    const publish = await workshop.client.openPullRequest(
      taskId,
      { acceptedTree, title: 'All of it' },
      TOKEN,
    );
    assert.deepEqual(
      [publish.stage, publish.pullRequest?.number, publish.pullRequest?.reused],
      ['opened', 1, true],
    );
    assert.equal(await git('rev-parse', `${publish.branch}^{tree}`), acceptedTree);
    assert.equal(github.pulls(OWNER, NAME).length, 1);
  });

  it('can be tried again after GitHub was away, and goes on with what was pushed', async () => {
    const acceptedTree = await accept(() => 'all');
    const author = { name: 'Sam', email: 'sam@example.com' };
    const request = { acceptedTree, title: 'Again', branch: 'again', author };
    github.failNext({ status: 502 });
    const first = await workshop.client.openPullRequest(taskId, request, TOKEN);
    assert.deepEqual([first.stage, first.error?.code], ['failed', 'github_unavailable']);
    assert.equal(await git('rev-parse', 'again^{tree}'), acceptedTree);
    const second = await workshop.client.openPullRequest(taskId, request, TOKEN);
    assert.equal(second.stage, 'opened');
    assert.equal(github.pulls(OWNER, NAME).length, 2);
  });

  it('comes with a filled-in page where the token may push but not open a pull request', async () => {
    const acceptedTree = await accept(() => 'all');
    const publish = await workshop.client.openPullRequest(
      taskId,
      { acceptedTree, title: 'By hand & all', body: 'Why', branch: 'by-hand' },
      CANNOT_OPEN,
    );
    assert.deepEqual([publish.stage, publish.error?.code], ['failed', 'pull_request_forbidden']);
    assert.ok(publish.error?.nextAction);
    assert.equal(
      publish.compareUrl,
      `${github.url}/${OWNER}/${NAME}/compare/main...by-hand?expand=1&title=By%20hand%20%26%20all&body=Why`,
    );
    assert.equal(await git('rev-parse', 'by-hand^{tree}'), acceptedTree, 'it was pushed');
  });

  it('says what to do about a token that GitHub does not know, and has pushed nothing', async () => {
    const acceptedTree = await accept(() => 'all');
    const publish = await workshop.client.openPullRequest(
      taskId,
      { acceptedTree, title: 'No', branch: 'nobody', author: { name: 'Sam', email: 'sam@example.com' } },
      'gho_expired',
    );
    assert.deepEqual([publish.stage, publish.error?.code], ['failed', 'token_rejected']);
    assert.equal(publish.compareUrl, undefined, 'there is nothing to compare with');
    assert.equal(await git('for-each-ref', 'refs/heads/nobody'), '');
  });

  it('says so where the relay is killed in the middle, which kept no token; and is gone on with when asked again', async () => {
    const acceptedTree = await accept(() => 'all');
    const request = { acceptedTree, title: 'Cut short', branch: 'cut-short' };
    const watched = workshop.watch(taskId, (await workshop.client.getTask(taskId)).seq);
    const asked = workshop.client.openPullRequest(taskId, request, TOKEN).catch((error: unknown) => error);
    const { publishId } = await watched.until('publish.started');
    await workshop.kill();
    await asked;
    await workshop.start();
    const failed = await watched.until('publish.failed', (event) => event.publishId === publishId);
    assert.deepEqual(failed.error, {
      code: 'token_required',
      message: 'There is no token for this any more.',
      nextAction: 'Sign in and open the pull request yourself: what was pushed is found and gone on with.',
    });
    const again = await workshop.client.openPullRequest(taskId, request, TOKEN);
    assert.equal(again.stage, 'opened');
    assert.equal(await git('rev-parse', 'cut-short^{tree}'), acceptedTree);
  });

  it('is not pushed to the branch that it came from, unless that is named each time', async () => {
    const acceptedTree = await accept(() => 'all');
    const named = { acceptedTree, title: 'Straight', branch: 'main' };
    assert.equal((await workshop.client.openPullRequest(taskId, named, TOKEN)).branch, 'main');
    const pushed = await git('rev-parse', 'main');
    await assert.rejects(workshop.client.openPullRequest(taskId, { acceptedTree, title: 'More' }, TOKEN), {
      code: 'conflict',
      message: 'The task began on the branch main; nothing is pushed there unasked.',
    });
    assert.equal(await git('rev-parse', 'main'), pushed);
  });

  it('can be read and published with its sandbox gone', async () => {
    const acceptedTree = await accept(() => 'all');
    await workshop.client.archive(taskId);
    const { files } = await workshop.client.changes(taskId);
    const notes = files.find(({ path }) => path === 'NOTES.md');
    const content = await workshop.client.blob(taskId, notes?.newOid ?? '');
    assert.equal(Buffer.from(content).toString(), 'No newline at the end');
    const patch = Buffer.from(await workshop.client.patch(taskId, acceptedTree));
    assert.match(patch.toString(), /^diff --git a\/AGENTS\.md b\/AGENTS\.md\n/);
  });
});
