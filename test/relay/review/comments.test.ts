import assert from 'node:assert/strict';
import type { WriteComments } from '../../../server/protocol/comments.ts';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Step } from '../../fakes/model/script.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

type NewComment = WriteComments['comments'][number];

const call = (name: string, input: object) => ({ name, arguments: { ...input } });
const WRITE = call('write', { path: 'NOTES.md', content: 'one\ntwo\nthree\n' });
const AT_TWO: NewComment = {
  commentId: 'comment-1',
  threadId: 'thread-1',
  place: { path: 'NOTES.md', side: 'proposal', startLine: 2, endLine: 2, revision: 1, snippet: 'two' },
  text: 'Say 2 instead.',
};
const ON_README: NewComment = {
  commentId: 'comment-2',
  threadId: 'thread-2',
  place: { path: 'README.md', side: 'base', startLine: 1, endLine: 1, revision: 1, snippet: '# gone' },
  text: 'Why not this one?',
};

/** What the person said last, as the model read it: how things stand, which is told behind it with each request, is nobody's words. */
const lastWords = ({ messages }: ChatRequest): string =>
  messages.findLast(({ role, content }) => role === 'user' && !content.startsWith('[How things stand'))
    ?.content ?? '';

describe('comments on a proposal', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  const open = async (...later: Step[]) => {
    workshop = await openWorkshop([{ steps: [{ toolCalls: [WRITE] }, { text: 'Written.' }, ...later] }]);
    const taskId = await workshop.delegate('Write notes');
    const watched = workshop.watch(taskId);
    await watched.until('turn.ended');
    const { client } = workshop;
    const threads = async () =>
      (await client.getTask(taskId)).threads.map(({ threadId, isResolved, comments }) => ({
        threadId,
        isResolved,
        comments: comments.map(({ commentId, author, text, isDraft }) => [
          isDraft ? `${commentId} (draft)` : commentId,
          `${author}: ${text}`,
        ]),
      }));
    return { client, taskId, watched, threads };
  };

  it('are drafts until they are submitted, as one message, which the agent answers in their threads', async () => {
    const { client, taskId, watched, threads } = await open(
      {
        toolCalls: [
          call('read', { path: 'NOTES.md' }),
          call('edit', { path: 'NOTES.md', oldText: 'two', newText: '2' }),
          call('reply', { threadId: 'thread-1', text: 'Done.', resolve: true }),
          call('reply', { threadId: 'thread-2', text: 'Nobody asked.' }),
          call('reply', { threadId: 'thread-9', text: 'Lost.' }),
        ],
      },
      { text: 'Answered.' },
    );
    await client.writeComments(taskId, { comments: [AT_TWO, ON_README] });
    assert.deepEqual(
      (await threads()).map(({ comments }) => comments),
      [
        [['comment-1 (draft)', 'person: Say 2 instead.']],
        [['comment-2 (draft)', 'person: Why not this one?']],
      ],
    );
    const asked = { clientId: 'review-1', text: 'Nearly there.' };
    const accepted = await client.submitComments(taskId, asked);
    assert.deepEqual(accepted, { messageId: 'review-1', turnId: accepted.turnId, disposition: 'started' });
    await watched.until('turn.ended', ({ turnId }) => turnId === accepted.turnId);

    const read = workshop.model.requests.find((request) => lastWords(request).startsWith('Nearly there.'));
    assert.equal(
      read && lastWords(read),
      `Nearly there.

These are my comments on your changes. Do what they ask, and answer in each thread with the reply tool.

[thread thread-1] NOTES.md, line 2:
> two
Say 2 instead.

[thread thread-2] README.md, line 1 of revision 1, as it was before your changes; these lines have changed since:
> # gone
Why not this one?`,
    );
    const replies = watched.events.flatMap((event) =>
      event.type === 'comment.written' && event.author === 'agent' ? [event.commentId] : [],
    );
    assert.deepEqual(await threads(), [
      {
        threadId: 'thread-1',
        isResolved: true,
        comments: [
          ['comment-1', 'person: Say 2 instead.'],
          [replies[0], 'agent: Done.'],
        ],
      },
      {
        threadId: 'thread-2',
        isResolved: false,
        comments: [
          ['comment-2', 'person: Why not this one?'],
          [replies[1], 'agent: Nobody asked.'],
        ],
      },
    ]);
    const problem = watched.events.findLast((event) => event.type === 'tool.finished');
    assert.deepEqual(
      [problem?.isError, problem?.output],
      [
        true,
        'There is no thread thread-9. [thread thread-2] README.md, line 1\nThe person: Why not this one?\nYou: Nobody asked.',
      ],
    );
    assert.deepEqual(
      await client.submitComments(taskId, asked),
      accepted,
      'asked again it is the same message',
    );
    assert.equal((await client.getTask(taskId)).turns.length, 2);
  });

  it('are each written, changed, taken away and submitted once, however often that is asked', async () => {
    const { client, taskId, threads } = await open();
    const write = (...comments: NewComment[]) => client.writeComments(taskId, { comments });
    const { seq } = await write(AT_TWO, AT_TWO);
    const again = { ...AT_TWO, commentId: 'comment-3', text: 'And 3.' };
    await Promise.all([write(AT_TWO), write(AT_TWO, again), write(again)]);
    assert.equal((await client.getTask(taskId)).seq, seq + 1);
    await assert.rejects(write({ ...AT_TWO, text: 'Another' }), { code: 'conflict', status: 409 });

    await client.editComment(taskId, 'comment-1', { text: 'Say II.' });
    await write(AT_TWO);
    await client.removeComment(taskId, 'comment-3');
    await client.removeComment(taskId, 'comment-3');
    await write(again);
    assert.deepEqual(await threads(), [
      {
        threadId: 'thread-1',
        isResolved: false,
        comments: [['comment-1 (draft)', 'person: Say II.']],
      },
    ]);

    const submit = { comments: [], submit: { clientId: 'review-1' } };
    const answers = await Promise.all([
      client.writeComments(taskId, submit),
      client.writeComments(taskId, submit),
    ]);
    assert.deepEqual(answers[0].message?.turnId, answers[1].message?.turnId);
    await assert.rejects(client.editComment(taskId, 'comment-1', { text: 'Late' }), { code: 'conflict' });
    await assert.rejects(client.removeComment(taskId, 'comment-1'), { code: 'conflict' });
    await assert.rejects(client.submitComments(taskId, { clientId: 'review-2' }), {
      code: 'conflict',
      message: 'There is no comment to submit.',
    });
    const { turns } = await client.getTask(taskId);
    assert.deepEqual(
      turns.map(({ items }) => items.filter(({ kind }) => kind === 'user').length),
      [1, 1],
    );
    await client.stop(taskId);
  });

  it('refuse what cannot be, and then keep nothing of the request', async () => {
    const { client, taskId, threads } = await open();
    const refused = (comment: Partial<NewComment>, code: string) => {
      const second = { ...ON_README, ...comment };
      return assert.rejects(client.writeComments(taskId, { comments: [AT_TWO, second] }), { code });
    };
    const { place } = ON_README;
    assert.ok(place);
    await refused({ place: undefined }, 'bad_request');
    await refused({ place: { ...place, revision: 7 } }, 'bad_request');
    await refused({ place: { ...place, startLine: 2 } }, 'bad_request');
    await refused({ place: { ...place, path: '../up' } }, 'bad_request');
    await refused({ text: ' \n' }, 'bad_request');
    await refused({ text: 'x'.repeat(20_001) }, 'bad_request');
    await refused({ text: 'NUL \0' }, 'bad_request');
    await refused({ commentId: 'x' }, 'bad_request');
    assert.deepEqual(await threads(), []);
    await assert.rejects(client.editComment(taskId, 'nobody-1', { text: 'x' }), { code: 'not_found' });
    await assert.rejects(client.removeComment(taskId, 'nobody-1'), { code: 'not_found' });
    await assert.rejects(client.resolveThread(taskId, 'nobody-1', { isResolved: true }), {
      code: 'not_found',
    });
    await client.sendMessage(taskId, { clientId: 'message-1', text: 'Hello' });
    await client.writeComments(taskId, { comments: [AT_TWO] });
    await assert.rejects(client.submitComments(taskId, { clientId: 'message-1' }), { code: 'conflict' });
  });

  it('are answered once, also by an agent whose relay is killed as it answers', async () => {
    const { client, taskId, watched, threads } = await open(
      { toolCalls: [call('reply', { threadId: 'thread-1', text: 'Done.', resolve: true })] },
      { text: 'Answered.' },
    );
    const { message } = await client.writeComments(taskId, {
      comments: [AT_TWO],
      submit: { clientId: 'review-1' },
    });
    await watched.until('comment.written', ({ author }) => author === 'agent');
    await workshop.kill();
    await workshop.start();
    const { outcome } = await watched.until('turn.ended', ({ turnId }) => turnId === message?.turnId);
    assert.equal(outcome, 'completed');
    assert.deepEqual(
      (await threads()).map(({ isResolved, comments }) => [isResolved, comments.map(([, said]) => said)]),
      [[true, ['person: Say 2 instead.', 'agent: Done.']]],
    );
  });

  it('wait for a turn that runs, are settled and opened again, and outlive a relay that is killed', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { client, taskId, watched, threads } = await open(
      async () => {
        await held;
        return { toolCalls: [call('describe_changes', { title: 'Take notes', body: 'Three of them.' })] };
      },
      { text: 'Ready.' },
    );
    const { turnId } = await client.sendMessage(taskId, { clientId: 'goes-on-1', text: 'Describe it' });
    await client.writeComments(taskId, { comments: [AT_TWO] });
    await workshop.kill();
    await workshop.start();
    const hostile = { ...AT_TWO, commentId: 'comment-3', text: 'x\n> y', threadId: 'thread-3' };
    await client.writeComments(taskId, { comments: [hostile] });
    const accepted = await client.submitComments(taskId, { clientId: 'review-1' });
    assert.deepEqual(accepted, { messageId: 'review-1', turnId, disposition: 'queued' });
    await client.withdrawMessage(taskId, 'review-1');
    const drafts = (await threads()).flatMap(({ comments }) => comments.map(([name]) => name));
    assert.deepEqual(drafts, ['comment-1 (draft)', 'comment-3 (draft)'], 'what was taken back is not lost');
    await assert.rejects(client.submitComments(taskId, { clientId: 'review-1' }), { code: 'conflict' });
    await client.submitComments(taskId, { clientId: 'review-2' });
    await client.resolveThread(taskId, 'thread-1', { isResolved: true });
    await client.resolveThread(taskId, 'thread-1', { isResolved: true });
    release();
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    const state = await client.getTask(taskId);
    assert.deepEqual(state.description, { title: 'Take notes', body: 'Three of them.' });
    assert.deepEqual(
      (await threads()).map(({ threadId, isResolved }) => [threadId, isResolved]),
      [
        ['thread-1', true],
        ['thread-3', false],
      ],
    );
    await client.writeComments(taskId, {
      comments: [{ commentId: 'comment-4', threadId: 'thread-1', text: 'Not yet.' }],
    });
    assert.equal((await threads())[0]?.isResolved, false);
    assert.equal(watched.events.filter(({ type }) => type === 'comments.submitted').length, 2);
    assert.equal(watched.events.filter(({ type }) => type === 'thread.resolved').length, 1);
  });
});
