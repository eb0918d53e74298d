import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { call, openRoom, type Room } from '../aftermath/room.ts';
import { byMessage, heard } from './by-message.ts';

const write = (path: string, content: string) => call('write', { path, content });
const PLAN = [{ text: 'Go on', status: 'pending' }];
const SCENARIO = byMessage({
  First: [
    write('a.md', 'one\n'),
    call('todo', { items: PLAN }),
    call('describe_changes', { title: 'One', body: 'It is one.' }),
  ],
  Second: [
    write('a.md', 'two\n'),
    write('b.md', 'the agent’s\n'),
    write('c.md', 'new\n'),
    call('bash', { command: 'rm README.md' }),
    call('todo', { items: [{ text: 'Go on', status: 'completed' }] }),
    call('describe_changes', { title: 'Two', body: 'It is two.' }),
  ],
  Long: [call('bash', { command: 'echo half > half.md; echo running; sleep 300' })],
  Again: [call('bash', { command: 'head -n 1 a.md b.md README.md; ls' })],
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('going back to where a turn began', function () {
  this.timeout(90_000);
  let room: Room;
  afterEach(() => room.close());

  async function twoTurns() {
    room = await openRoom(SCENARIO);
    const taskId = await room.delegate('First');
    const watched = room.watch(taskId);
    await watched.until('turn.ended');
    const before = await room.client.getTask(taskId);
    const turnId = await say(taskId, 'Second');
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    const edit = async (path: string, text: string) => {
      const { revision } = await room.client.changes(taskId);
      return room.client.editProposal(taskId, { revision, path, content: base64(text) });
    };
    return { taskId, turnId, watched, before, edit };
  }
  const say = (taskId: string, text: string): Promise<string> => room.say(taskId, text);

  /** What the agent sees in its next turn. */
  async function next({
    taskId,
    watched,
  }: Awaited<ReturnType<typeof twoTurns>>): Promise<string | undefined> {
    const turnId = await say(taskId, 'Again');
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    const looked = watched.events.find((event) => event.type === 'tool.finished' && event.turnId === turnId);
    return looked?.type === 'tool.finished' ? looked.output : undefined;
  }

  it('restores files and conversation, once, and also when the relay is killed in the middle', async () => {
    const task = await twoTurns();
    const { taskId, turnId, before } = task;
    const body = { clientId: randomUUID(), turnId };
    const asked = room.client.rollBack(taskId, body).catch(() => undefined);
    await room.kill();
    const first = await asked;
    await room.start();
    const answer = await room.client.rollBack(taskId, body);
    assert.deepEqual(await room.client.rollBack(taskId, body), answer);
    if (first) assert.deepEqual(first, answer);
    const { headTree, kept, text } = answer;
    assert.deepEqual(
      { headTree, kept, text },
      { headTree: before.proposal?.headTree, kept: [], text: 'Second' },
    );

    const state = await room.client.getTask(taskId);
    assert.deepEqual(
      [state.turns.map((turn) => turn.turnId), state.status, state.todos, state.proposal?.files],
      [before.turns.map((turn) => turn.turnId), 'completed', PLAN, before.proposal?.files],
    );
    assert.deepEqual(state.description, { title: 'One', body: 'It is one.' });
    assert.equal(
      await next(task),
      "==> a.md <==\none\n\n==> README.md <==\n# trip-log\nAGENTS.md\nREADME.md\na.md\ndata\npackage.json\nsrc\ntest\n[stderr]\nhead: cannot open 'b.md' for reading: No such file or directory",
    );
    assert.deepEqual(heard(room.model.requests), ['First', 'Again'], 'nothing of what was gone back over');
    const stands = room.model.requests.at(-1)?.messages.at(-1)?.content;
    assert.match(String(stands), /# Your plan\n\[ \] Go on$/, 'its plan is what it was');
    await assert.rejects(room.client.rollBack(taskId, { clientId: randomUUID(), turnId }), {
      code: 'not_found',
    });
  });

  it('asks before it touches what the person changed, and keeps it where that is wanted', async () => {
    const task = await twoTurns();
    const { taskId, turnId, edit, before } = task;
    await edit('b.md', 'mine\n');
    const asked = { clientId: randomUUID(), turnId };
    await assert.rejects(room.client.rollBack(taskId, asked), {
      code: 'rollback_needs_choice',
      status: 409,
      message: 'You have changed "b.md" since.',
    });
    const answer = await room.client.rollBack(taskId, { ...asked, files: 'owned' });
    assert.deepEqual(answer.kept, ['b.md']);
    const files = (await room.client.getTask(taskId)).proposal?.files.map(({ path }) => path);
    assert.deepEqual(files, ['a.md', 'b.md']);
    assert.match(String(await next(task)), /^==> a.md <==\none\n\n==> b.md <==\nmine\n/);
    const [, , told] = heard(room.model.requests);
    assert.match(String(told), /^<user_edits>[\s\S]*\+\+\+ b.md\n@@ -0,0 \+1 @@\n\+mine\n\n<\/user_edits>$/);

    const [first] = before.turns;
    const whole = { clientId: randomUUID(), turnId: String(first?.turnId), files: 'all' } as const;
    const all = await room.client.rollBack(taskId, whole);
    assert.deepEqual([all.kept, all.text], [[], 'First']);
    const { proposal, turns, status } = await room.client.getTask(taskId);
    assert.deepEqual(
      [proposal?.headTree, proposal?.files, turns, status],
      [proposal?.baseTree, [], [], 'idle'],
    );
  });

  it('takes along what a turn that was stopped left, whenever that is noticed', async () => {
    const task = await twoTurns();
    const { taskId, watched, before } = task;
    const turnId = await say(taskId, 'Long');
    await watched.until('tool.output', ({ text }) => text.includes('running'));
    const body = { clientId: randomUUID(), turnId, files: 'all' } as const;
    await assert.rejects(room.client.rollBack(taskId, body), { code: 'conflict', status: 409 });
    await room.client.stop(taskId);
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    await room.client.rollBack(taskId, body);
    const second = task.turnId;
    await room.client.rollBack(taskId, { clientId: randomUUID(), turnId: second, files: 'all' });
    const seen = await next(task);
    assert.doesNotMatch(String(seen), /half|c\.md/);
    const { proposal, workspaceTree } = await room.client.getTask(taskId);
    assert.deepEqual(
      [proposal?.headTree, workspaceTree],
      [before.proposal?.headTree, before.proposal?.headTree],
    );
  });
});
