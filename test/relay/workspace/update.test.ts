import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../../fakes/git.ts';
import { type FakeGitHub, startFakeGitHub } from '../../fakes/github/server.ts';
import { call, openRoom, type Room } from '../aftermath/room.ts';
import { byMessage, heard } from './by-message.ts';

const LINES = Array.from({ length: 20 }, (_, index) => `line ${index + 1}\n`);
const withLine = (index: number, text: string): string => LINES.with(index, `${text}\n`).join('');
const SCENARIO = byMessage({
  First: [
    call('read', { path: 'long.txt' }),
    call('write', { path: 'long.txt', content: withLine(0, 'the agent’s') }),
    call('write', { path: 'a.md', content: 'a\n' }),
  ],
  Again: [
    call('bash', {
      command:
        'cat upstream.md own.txt; head -n 1 long.txt; tail -n 1 long.txt; git status --short; ls node_modules',
    }),
  ],
});

describe('a base that moves on', function () {
  this.timeout(90_000);
  let room: Room;
  afterEach(() => room.close());

  /** Commits in the person's repository, where the task came from. */
  async function commit(files: Record<string, string>): Promise<string> {
    for (const [name, content] of Object.entries(files)) await writeFile(join(room.repo, name), content);
    await git(room.repo, ['add', '--all']);
    await git(room.repo, ['commit', '--quiet', '--message=Newer']);
    return (await git(room.repo, ['rev-parse', 'HEAD'])).trim();
  }

  /** A task that has worked, with a file of the person's own that is not committed. */
  async function worked() {
    room = await openRoom(SCENARIO);
    const base = await commit({ 'long.txt': LINES.join(''), '.gitignore': 'node_modules\n' });
    const content = Buffer.from('mine\n').toString('base64');
    const { taskId } = await room.client.createTask({
      clientId: randomUUID(),
      prompt: 'First',
      source: {
        url: `file://${room.repo}`,
        commit: base,
        branch: 'main',
        overlay: [{ path: 'own.txt', mode: '100644', content }],
      },
    });
    const watched = room.watch(taskId);
    await watched.until('turn.ended');
    await room.client.patchReview(taskId, {
      revision: (await room.client.changes(taskId)).revision,
      decisions: [{ path: 'long.txt', hashes: 'all', state: 'accepted' }],
    });
    return { taskId, watched, base };
  }

  const textAt = async (taskId: string, path: string): Promise<string> => {
    const { files } = await room.client.changes(taskId);
    const oid = files.find((file) => file.path === path)?.newOid;
    return Buffer.from(await room.client.blob(taskId, String(oid))).toString();
  };

  it('is said, and changes nothing until it is asked for', async () => {
    const { taskId, base } = await worked();
    const standing = { branch: 'main', baseCommit: base, latestCommit: base, isBehind: false };
    assert.deepEqual(await room.client.baseStanding(taskId), standing);
    const { changed, conflicts } = await room.client.updateBase(taskId, { clientId: randomUUID() });
    assert.deepEqual([changed, conflicts], [false, []]);
    const latestCommit = await commit({ 'upstream.md': 'upstream\n' });
    assert.deepEqual(await room.client.baseStanding(taskId), { ...standing, latestCommit, isBehind: true });
    assert.equal((await room.client.getTask(taskId)).source?.commit, base);
  });

  it('is taken over with decisions, edits and the machine, once, also when the relay is killed in the middle', async () => {
    const { taskId, watched } = await worked();
    const latest = await commit({ 'upstream.md': 'upstream\n', 'long.txt': withLine(19, 'theirs') });
    const body = { clientId: randomUUID() };
    const asked = room.client.updateBase(taskId, body).catch(() => undefined);
    await room.kill();
    const first = await asked;
    await room.start();
    const answer = await room.client.updateBase(taskId, body);
    if (first) assert.deepEqual(first, answer);
    assert.deepEqual(await room.client.updateBase(taskId, body), answer);
    assert.deepEqual([answer.changed, answer.baseCommit, answer.conflicts], [true, latest, []]);

    const state = await room.client.getTask(taskId);
    assert.deepEqual(
      [state.source?.commit, state.proposal?.baseTree, state.proposal?.files.map(({ path }) => path)],
      [latest, answer.baseTree, ['a.md', 'long.txt']],
    );
    assert.equal(
      await textAt(taskId, 'long.txt'),
      LINES.with(0, 'the agent’s\n').with(19, 'theirs\n').join(''),
    );
    const accepted = await room.client.changes(taskId, state.review?.acceptedTree);
    assert.deepEqual(
      [state.review?.revision, accepted.files.map(({ path }) => path)],
      [answer.revision, ['long.txt']],
      'what was accepted stays so',
    );

    const installed = join(await room.workspace(), 'node_modules');
    await mkdir(installed);
    await writeFile(join(installed, 'kept'), '');
    const turnId = await room.say(taskId, 'Again');
    const ended = await watched.until('turn.ended', (event) => event.turnId === turnId);
    assert.equal(ended.outcome, 'completed');
    const looked = watched.events.find((event) => event.type === 'tool.finished' && event.turnId === turnId);
    assert.equal(
      looked?.type === 'tool.finished' && looked.output,
      'upstream\nmine\nthe agent’s\ntheirs\n M long.txt\n?? a.md\nkept',
    );
    const [, , told] = heard(room.model.requests);
    assert.match(
      String(told),
      new RegExp(`^<user_edits>[\\s\\S]*newer commit ${latest}, with your work on top`),
    );
    assert.doesNotMatch(String(told), /They edited|rejected/);
    const lost = watched.events.filter((event) => event.type === 'sandbox.changed' && event.state === 'lost');
    assert.deepEqual(lost, [], 'it is the same machine');
    const { proposal, workspaceTree } = await room.client.getTask(taskId);
    assert.deepEqual([proposal?.headTree, workspaceTree], [answer.headTree, answer.headTree]);

    const file = new Uint8Array(await room.client.exportTask(taskId));
    const { files } = await room.client.changes(taskId);
    await room.close();
    room = await openRoom(SCENARIO);
    await room.client.importTask(file);
    assert.deepEqual((await room.client.changes(taskId)).files, files, 'it can be taken elsewhere');
  });

  it('is refused where both sides changed the same, or goes on with markers', async () => {
    const { taskId } = await worked();
    await commit({ 'long.txt': withLine(0, 'theirs') });
    const before = await room.client.getTask(taskId);
    await assert.rejects(room.client.updateBase(taskId, { clientId: randomUUID() }), {
      code: 'update_conflict',
      status: 409,
      message: 'Both sides have changed "long.txt".',
    });
    assert.deepEqual(await room.client.getTask(taskId), before);
    const body = { clientId: randomUUID(), onConflict: 'markers' } as const;
    const { conflicts } = await room.client.updateBase(taskId, body);
    assert.deepEqual(conflicts, ['long.txt']);
    assert.equal(
      await textAt(taskId, 'long.txt'),
      ['<<<<<<< proposal\nthe agent’s\n=======\ntheirs\n>>>>>>> newer commit\n', ...LINES.slice(1)].join(''),
    );
  });

  describe('of a repository on the network', () => {
    const TOKEN = 'gho_canaryUpdate';
    let ours: FakeGitHub;
    let foreign: FakeGitHub;
    beforeEach(async () => {
      const users = [{ login: 'sam', id: 101, name: 'Sam', tokens: { [TOKEN]: { scopes: ['repo'] } } }];
      const repos = [{ owner: 'sam', name: 'notes', content: { files: { 'a.md': 'one\n' } } }];
      ours = await startFakeGitHub({ users, repos });
      foreign = await startFakeGitHub({ users, repos });
    });
    afterEach(async () => {
      await ours.close();
      await foreign.close();
    });

    it('is asked for with the person’s token at the relay’s GitHub, and at no other host', async () => {
      room = await openRoom(SCENARIO, { HANDOFF_GITHUB_URL: ours.url, HANDOFF_GITHUB_API_URL: ours.apiUrl });
      for (const github of [ours, foreign]) {
        const commit = (await github.git('sam', 'notes', ['rev-parse', 'main'])).trim();
        const url = `${github.url}/sam/notes.git`;
        const taskId = await room.delegate('Else', undefined, { url, commit });
        await room.watch(taskId).until('turn.ended');
        const before = github.requests.length;
        assert.equal((await room.client.baseStanding(taskId, TOKEN)).isBehind, false);
        const newer = ['commit-tree', '-p', commit, '-m', 'Newer', `${commit}^{tree}`];
        const tip = (
          await github.git('sam', 'notes', ['-c', 'user.name=S', '-c', 'user.email=s@s', ...newer])
        ).trim();
        await github.git('sam', 'notes', ['update-ref', 'refs/heads/main', tip]);
        const { baseCommit } = await room.client.updateBase(taskId, { clientId: randomUUID() }, TOKEN);
        assert.equal(baseCommit, tip);
        const by = new Set(github.requests.slice(before).map((request) => request.by));
        assert.deepEqual([...by], [github === ours ? 'sam' : 'anonymous']);
      }
    });
  });
});
