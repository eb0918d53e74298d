import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { git as gitIn } from '../../fakes/git.ts';
import { type Accepted, type Desk, OWNER, openDesk } from './desk.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const SAM = { name: 'Sam Sample', email: '101+sam@users.noreply.github.com' };

describe('work that was not committed when a task began', function () {
  this.timeout(90_000);
  let desk: Desk;
  let readme: string;
  let task: Accepted;

  before(async () => {
    desk = await openDesk();
    readme = await desk.git('show', 'main:README.md');
    // The person had begun a file, and written a first line above the readme; the agent writes below it.
    const overlay = [
      { path: 'begun.md', mode: '100644' as const, content: base64('Begun by hand\n') },
      { path: 'README.md', mode: '100644' as const, content: base64(`Not committed\n\n${readme}\n`) },
    ];
    task = await desk.work('echo "By the agent" >> README.md; echo new > made.md', { source: { overlay } });
  });
  after(() => desk.close());

  it('is left out of what is pushed, which is proven to be at the remote', async () => {
    const publish = await task.publish({ branch: 'left-out' });
    const tree = await desk.git('rev-parse', 'left-out^{tree}');
    assert.deepEqual(publish, {
      publishId: publish.publishId,
      stage: 'opened',
      branch: 'left-out',
      acceptedTree: task.acceptedTree,
      pushedTree: tree,
      commit: await desk.git('rev-parse', 'left-out'),
      pullRequest: { url: `${desk.github.url}/${OWNER}/trip-log/pull/1`, number: 1, reused: false },
    });
    assert.deepEqual((await task.state()).publish, publish);
    assert.equal(await desk.git('rev-parse', 'left-out^'), desk.workshop.commit);
    assert.equal(await desk.git('diff', '--name-status', 'main', 'left-out'), 'M\tREADME.md\nA\tmade.md');
    assert.equal(await desk.git('show', 'left-out:README.md'), `${readme}\nBy the agent`);
  });

  it('is a commit of its own where the person wants it along', async () => {
    const publish = await task.publish({ branch: 'along', uncommitted: 'include', title: 'Write it down' });
    assert.deepEqual([publish.stage, publish.pushedTree], ['opened', undefined]);
    assert.equal(await desk.git('rev-parse', 'along^{tree}'), task.acceptedTree);
    assert.equal(await desk.git('rev-parse', 'along~2'), desk.workshop.commit);
    assert.deepEqual(
      (await desk.git('log', '--format=%s|%an|%cn|%ae', 'main..along')).split('\n'),
      ['Write it down', 'Add work that was not committed yet'].map(
        (title) => `${title}|Sam Sample|Sam Sample|${SAM.email}`,
      ),
    );
    assert.equal(await desk.git('diff', '--name-status', 'main', 'along~1'), 'M\tREADME.md\nA\tbegun.md');
  });

  it('is not guessed at where what was accepted builds on it', async () => {
    const overlay = [{ path: 'begun.md', mode: '100644' as const, content: base64('Begun by hand\n') }];
    const entangled = await desk.work('echo more >> begun.md', { source: { overlay } });
    const failed = await entangled.publish({ branch: 'entangled' });
    assert.deepEqual(
      [failed.stage, failed.error],
      [
        'failed',
        {
          code: 'uncommitted_conflict',
          message: 'What was accepted in "begun.md" builds on work that was not committed.',
          nextAction:
            'Include that work as a commit of its own, or accept only changes that do not touch it.',
        },
      ],
    );
    assert.deepEqual((await entangled.state()).publish, failed);
    assert.equal(await desk.git('for-each-ref', 'refs/heads/entangled'), '');
    const again = await entangled.publish({ branch: 'entangled', uncommitted: 'include' });
    assert.equal(again.stage, 'opened');
    assert.equal(await desk.git('show', 'entangled:begun.md'), 'Begun by hand\nmore');
  });

  it('can be had as a bundle of the same commits, the same each time, for the person’s own Git', async () => {
    const { client } = desk.workshop;
    const command = { acceptedTree: task.acceptedTree, title: 'By my own Git', body: 'Why', author: SAM };
    const { commit, bundle } = await client.commitBundle(task.taskId, command);
    const folder = await mkdtemp(join(tmpdir(), 'handoff-bundle-'));
    try {
      const file = join(folder, 'work.bundle');
      await writeFile(file, bundle);
      await gitIn(folder, ['clone', '--quiet', desk.workshop.repo, 'clone']);
      const git = async (...args: string[]) => (await gitIn(join(folder, 'clone'), args)).trim();
      await git('fetch', '--quiet', file, `refs/handoff/commit/${commit}:refs/heads/mine`);
      assert.equal(await git('rev-parse', 'mine'), commit);
      assert.equal(
        await git('log', '--format=%H|%an <%ae>|%cn|%B', 'main..mine'),
        `${commit}|${SAM.name} <${SAM.email}>|${SAM.name}|By my own Git\n\nWhy\n\nAssisted-by: Handoff (fake-model)`,
      );
      assert.equal(await git('diff', '--name-status', 'main', 'mine'), 'M\tREADME.md\nA\tmade.md');
      assert.equal((await client.commitBundle(task.taskId, command)).commit, commit);
      const along = await client.commitBundle(task.taskId, { ...command, uncommitted: 'include' });
      await writeFile(file, along.bundle);
      await git('fetch', '--quiet', file, `refs/handoff/commit/${along.commit}`);
      assert.equal(await git('rev-list', '--count', 'main..FETCH_HEAD'), '2');
      assert.equal(await git('rev-parse', 'FETCH_HEAD^{tree}'), task.acceptedTree);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('comes along in no other way than what was accepted', async () => {
    const { client } = desk.workshop;
    const command = { acceptedTree: '0'.repeat(40), title: 'Other', author: SAM };
    await assert.rejects(client.commitBundle(task.taskId, command), {
      code: 'tree_not_accepted',
      status: 409,
    });
    await assert.rejects(task.publish({ acceptedTree: '0'.repeat(40) }), { code: 'tree_not_accepted' });
    const { acceptedTree } = await client.putReview(task.taskId, {
      revision: (await client.changes(task.taskId)).revision,
      accepted: [],
    });
    await assert.rejects(client.commitBundle(task.taskId, { ...command, acceptedTree }), {
      code: 'nothing_accepted',
    });
  });
});
