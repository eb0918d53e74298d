import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unitsOf } from '../../../server/protocol/ledger.ts';
import { git } from '../../fakes/git.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const edit = (path: string, oldText: string, newText: string) => ({
  name: 'edit',
  arguments: { path, oldText, newText },
});
const read = (path: string) => ({ name: 'read', arguments: { path } });
const bash = (command: string) => ({ name: 'bash', arguments: { command } });

/** Deciding on a proposal and editing it over the relay's API, with a real sandbox and a scripted model. */
describe('a proposal under review', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  /** A task whose agent renames the readme's title and one of its sentences, makes a file executable, and adds another. */
  const open = async (...later: object[]) => {
    const first = [
      read('README.md'),
      edit('README.md', '# trip-log', '# Trip log'),
      edit('README.md', 'there is nothing to install', 'nothing needs installing'),
      bash('chmod +x src/cli.js; printf "one\\ntwo\\n" > NOTES.md'),
    ];
    const steps = [{ toolCalls: first }, { text: 'Done.' }, ...later];
    workshop = await openWorkshop([{ steps }]);
    const taskId = await workshop.delegate('Polish the papers');
    const watched = workshop.watch(taskId);
    await watched.until('turn.ended');
    const { client } = workshop;
    const unit = async (path: string, index: number): Promise<string> => {
      const { files } = await client.changes(taskId);
      const found = files.find((file) => file.path === path);
      return (found && unitsOf(found)[index]) ?? assert.fail(`${path} has no unit ${index}`);
    };
    /** A file as a tree of the task has it. */
    const show = (tree: string, path: string) =>
      git(join(workshop.data, 'repos', `${taskId}.git`), ['show', `${tree}:${path}`]);
    return { client, taskId, watched, unit, show };
  };

  it('keeps what two windows decide at once', async () => {
    const { client, taskId, unit } = await open();
    const hashes = [await unit('README.md', 0), await unit('README.md', 1)];
    const { revision } = await client.changes(taskId);
    const decide = (path: string, chosen: string[] | 'all', state: 'accepted' | 'rejected') =>
      client.patchReview(taskId, { revision, decisions: [{ path, hashes: chosen, state }] });
    await Promise.all([
      decide('README.md', hashes.slice(0, 1), 'accepted'),
      decide('README.md', hashes.slice(1), 'rejected'),
      decide('NOTES.md', 'all', 'accepted'),
      decide('src/cli.js', 'all', 'accepted'),
    ]);
    const { review } = await client.getTask(taskId);
    assert.deepEqual(review?.files, [
      { path: 'NOTES.md', accepted: [await unit('NOTES.md', 0)], rejected: [] },
      { path: 'README.md', accepted: hashes.slice(0, 1), rejected: hashes.slice(1) },
      { path: 'src/cli.js', accepted: [await unit('src/cli.js', 0)], rejected: [] },
    ]);
    const patch = Buffer.from(await client.patch(taskId, review?.acceptedTree ?? '')).toString();
    assert.deepEqual(
      patch.split('\n').filter((line) => /^[-+](?!--|\+\+)/.test(line) || /mode/.test(line)),
      [
        'new file mode 100644',
        '+one',
        '+two',
        '-# trip-log',
        '+# Trip log',
        'old mode 100644',
        'new mode 100755',
      ],
    );
  });

  it('has no decision on what is not there, and then none of the others of the request', async () => {
    const { client, taskId } = await open();
    const good = { path: 'NOTES.md', hashes: 'all' as const, state: 'accepted' as const };
    const { revision } = await client.changes(taskId);
    const refused = (decision: object, code: string) =>
      assert.rejects(client.patchReview(taskId, { revision, decisions: [good, { ...good, ...decision }] }), {
        code,
      });
    await refused({ path: 'README.md', hashes: ['0'.repeat(24)] }, 'revision_changed');
    await refused({ path: 'package.json' }, 'bad_request');
    await refused({ path: 'NOTES.md' }, 'bad_request');
    await refused({ path: '../NOTES.md' }, 'bad_request');
    const all = (body: object) => client.patchReview(taskId, { ...body, decisions: [good] });
    await assert.rejects(all({}), { code: 'bad_request' }, 'all of what is to be said');
    await assert.rejects(all({ revision: revision + 1 }), { code: 'revision_changed' });
    assert.equal((await client.getTask(taskId)).review, undefined);
  });

  it('keeps decisions when the agent goes on elsewhere, and brings what is accepted up to that', async () => {
    const more = edit('README.md', '# Trip log', '# Trip log\n\nMore.');
    const { client, taskId, watched, unit, show } = await open({
      toolCalls: [bash('echo three >> NOTES.md'), read('README.md'), more],
    });
    const kept = await unit('README.md', 1);
    await client.patchReview(taskId, {
      revision: (await client.changes(taskId)).revision,
      decisions: [
        { path: 'README.md', hashes: [kept], state: 'accepted' },
        { path: 'NOTES.md', hashes: 'all', state: 'accepted' },
      ],
    });
    const { seq, review } = await client.getTask(taskId);
    const { turnId } = await client.sendMessage(taskId, { clientId: 'goes-on-1', text: 'Go on' });
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    const carried = await watched.until('review.decided', (event) => event.seq > seq);

    const now = await client.getTask(taskId);
    assert.deepEqual(carried.decisions, [], 'nothing is decided anew');
    assert.deepEqual(
      [carried.revision, now.review?.files],
      [now.proposal?.revision, review?.files],
      'what was decided stands as it was',
    );
    const readme = await show(carried.acceptedTree, 'README.md');
    assert.ok(readme.startsWith('# trip-log\n') && readme.includes('nothing needs installing'));
    await assert.rejects(show(carried.acceptedTree, 'NOTES.md'), 'its hunk is another now');
  });

  it('is edited by the person: the next revision, with what is accepted brought up to it', async () => {
    const { client, taskId, watched, unit, show } = await open();
    await client.patchReview(taskId, {
      revision: (await client.changes(taskId)).revision,
      decisions: [
        { path: 'NOTES.md', hashes: 'all', state: 'accepted' },
        { path: 'README.md', hashes: [await unit('README.md', 0)], state: 'accepted' },
      ],
    });
    const put = (path: string, content: string | null, revision: number) =>
      client.editProposal(taskId, {
        revision,
        path,
        content: content === null ? null : Buffer.from(content).toString('base64'),
      });
    const { revision } = await client.changes(taskId);
    const first = await put('NOTES.md', 'one\r\n2\nno end', revision);
    assert.equal(first.revision, revision + 1);
    const state = await client.getTask(taskId);
    assert.deepEqual(
      [state.proposal?.headTree, state.review?.revision, state.seq],
      [first.headTree, first.revision, first.seq],
    );
    const told = await watched.until('proposal.changed', (event) => event.revision === first.revision);
    assert.equal(told.by, 'person');
    const acceptedTree = state.review?.acceptedTree ?? '';
    assert.equal(
      await show(acceptedTree, 'NOTES.md'),
      'one\r\n2\nno end',
      'all of it was accepted, so it stays so',
    );

    const readme = (await show(first.headTree, 'README.md')).replace('# Trip log', '# Log of trips');
    const second = await put('README.md', readme, first.revision);
    const { review } = await client.getTask(taskId);
    assert.ok(
      (await show(review?.acceptedTree ?? '', 'README.md')).startsWith('# trip-log\n'),
      'the new hunk is pending',
    );

    assert.deepEqual(await put('README.md', readme, revision), second, 'what is there already is no edit');
    await assert.rejects(put('README.md', 'another', revision), { code: 'revision_changed' });
    const third = await put('src/cli.js', 'executable still\n', second.revision);
    const { files } = await client.changes(taskId);
    assert.deepEqual(
      files
        .filter(({ path }) => path === 'src/cli.js')
        .map(({ newMode, whole }) => [newMode, whole !== undefined]),
      [['100755', true]],
    );
    const fourth = await put('NOTES.md', null, third.revision);
    const fifth = await put(
      'README.md',
      await readFile(join(workshop.repo, 'README.md'), 'utf8'),
      fourth.revision,
    );
    assert.deepEqual(
      (await client.changes(taskId)).files.map(({ path }) => path),
      ['src/cli.js'],
      'what is as the base has it is no part of the proposal',
    );
    await assert.rejects(put('src', 'a file', fifth.revision), { code: 'bad_request' });
    await assert.rejects(put('README.md/inner', 'below a file', fifth.revision), { code: 'bad_request' });
  });

  it('has what the person writes back of what they rejected, also once it was taken out', async () => {
    const { client, taskId, watched, unit, show } = await open({ text: 'Seen.' }, { text: 'Seen.' });
    const title = await unit('README.md', 0);
    const reject = () =>
      client.patchReview(taskId, { decisions: [{ path: 'README.md', hashes: [title], state: 'rejected' }] });
    const goOn = async (clientId: string) => {
      const { turnId } = await client.sendMessage(taskId, { clientId, text: 'Go on' });
      await watched.until('turn.ended', (event) => event.turnId === turnId);
      return client.changes(taskId);
    };
    const put = (revision: number, text: string) =>
      client.editProposal(taskId, {
        revision,
        path: 'README.md',
        content: Buffer.from(text).toString('base64'),
      });
    const decided = async () => (await client.getTask(taskId)).review?.files;
    const first = await client.changes(taskId);
    const whole = await show(first.headTree, 'README.md');

    await reject();
    const same = await put(first.revision, whole);
    assert.deepEqual([same.revision, same.headTree], [first.revision, first.headTree]);
    assert.deepEqual(await decided(), [], 'it was there all the time, and was written again');

    await reject();
    const without = await goOn('goes-on-1');
    const text = await show(without.headTree, 'README.md');
    assert.ok(text.startsWith('# trip-log\n'));
    const other = await put(without.revision, `${text}More.\n`);
    assert.deepEqual(await decided(), [{ path: 'README.md', accepted: [], rejected: [title] }]);
    await put(other.revision, `${whole}More.\n`);
    assert.deepEqual(await decided(), []);
    const { headTree } = await goOn('goes-on-2');
    assert.equal(await show(headTree, 'README.md'), `${whole}More.\n`);
  });

  it('is not edited while the agent works, by anybody', async () => {
    const { client, taskId, watched } = await open({
      toolCalls: [bash('while [ ! -e gate ]; do sleep 0.02; done; rm gate')],
    });
    const { turnId } = await client.sendMessage(taskId, { clientId: 'goes-on-1', text: 'Go on' });
    await watched.until('tool.started', (event) => event.turnId === turnId);
    const { revision, headTree } = await client.changes(taskId);
    await assert.rejects(client.editProposal(taskId, { revision, path: 'NOTES.md', content: null }), {
      code: 'conflict',
      status: 409,
    });
    await workshop.openGate();
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    assert.equal((await client.changes(taskId)).headTree, headTree);
  });

  it('can be decided on and edited with its sandbox gone', async () => {
    const { client, taskId } = await open();
    await client.archive(taskId);
    const { revision } = await client.changes(taskId);
    const edited = await client.editProposal(taskId, { revision, path: 'NOTES.md', content: 'b25lCg==' });
    const { acceptedTree } = await client.patchReview(taskId, {
      revision: edited.revision,
      decisions: [{ path: 'NOTES.md', hashes: 'all', state: 'accepted' }],
    });
    assert.match(
      Buffer.from(await client.patch(taskId, acceptedTree)).toString(),
      /\+\+\+ b\/NOTES\.md\n@@ -0,0 \+1 @@\n\+one\n$/,
    );
    assert.equal(edited.revision, revision + 1);
  });
});
