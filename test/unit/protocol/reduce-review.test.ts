import assert from 'node:assert/strict';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import { unitStates } from '../../../server/protocol/ledger.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import type { TaskState } from '../../../server/protocol/task.ts';

const oid = (digit: number) => String(digit).repeat(40);
const told = (...events: NewEvent[]): TaskState =>
  events
    .map((event, index): TaskEvent => ({ ...event, seq: index + 1, at: 1000 + index }))
    .reduce(reduce, emptyTask('t'));
const place = {
  path: 'a.ts',
  side: 'proposal',
  startLine: 2,
  endLine: 3,
  revision: 1,
  snippet: 'x\ny',
} as const;

describe('a review, reduced', () => {
  it('adds decisions up by unit, the later outdoing the earlier, sorted by path', () => {
    const { review } = told(
      {
        type: 'review.decided',
        revision: 1,
        decisions: [
          { path: 'b', hashes: ['3'], state: 'rejected' },
          { path: 'a', hashes: ['1', '2'], state: 'accepted' },
        ],
        acceptedTree: oid(1),
      },
      {
        type: 'review.decided',
        revision: 2,
        decisions: [
          { path: 'a', hashes: ['2'], state: 'rejected' },
          { path: 'b', hashes: ['3'], state: 'pending' },
        ],
        acceptedTree: oid(2),
      },
    );
    assert.deepEqual(review, {
      revision: 2,
      acceptedTree: oid(2),
      files: [{ path: 'a', accepted: ['1'], rejected: ['2'] }],
    });
    const hunk = { oldStart: 1, oldLines: 1, newStart: 1, newLines: 1 };
    const change = { path: 'a', hunks: ['1', '4'].map((hash) => ({ hash, ...hunk })), whole: '2' };
    assert.deepEqual(
      [...unitStates(review.files, change)],
      [
        ['1', 'accepted'],
        ['4', 'pending'],
        ['2', 'rejected'],
      ],
    );
  });

  it('holds whatever a path is called', () => {
    const { review } = told({
      type: 'review.decided',
      revision: 1,
      decisions: [{ path: '__proto__', hashes: ['constructor'], state: 'accepted' }],
      acceptedTree: oid(1),
    });
    assert.deepEqual(review?.files, [{ path: '__proto__', accepted: ['constructor'], rejected: [] }]);
  });

  it('keeps a thread of comments, drafts until they are submitted', () => {
    const said = { threadId: 'th', isDraft: true, author: 'person' } as const;
    const { threads } = told(
      { type: 'comment.written', commentId: 'c1', text: 'why?', place, ...said },
      { type: 'comment.written', commentId: 'c2', text: 'oops', ...said },
      { type: 'comment.edited', commentId: 'c1', text: 'why so?' },
      { type: 'comment.removed', commentId: 'c2' },
      { type: 'comments.submitted', commentIds: ['c1'], messageId: 'm' },
      { ...said, type: 'comment.written', commentId: 'c3', text: 'because', author: 'agent', isDraft: false },
      { type: 'thread.resolved', threadId: 'th', isResolved: true },
    );
    assert.deepEqual(threads, [
      {
        threadId: 'th',
        place,
        isResolved: true,
        comments: [
          { commentId: 'c1', author: 'person', text: 'why so?', isDraft: false, messageId: 'm', at: 1000 },
          { commentId: 'c3', author: 'agent', text: 'because', isDraft: false, at: 1005 },
        ],
      },
    ]);
  });

  it('has drafts again where the message that they became was taken back', () => {
    const said = { threadId: 'th', isDraft: true, author: 'person', text: 'why?' } as const;
    const { threads } = told(
      { type: 'comment.written', commentId: 'c1', place, ...said },
      { type: 'comments.submitted', commentIds: ['c1'], messageId: 'm1' },
      { type: 'comment.written', commentId: 'c2', ...said },
      { type: 'comments.submitted', commentIds: ['c2'], messageId: 'm2' },
      { type: 'message.withdrawn', messageId: 'm2' },
    );
    assert.deepEqual(threads[0]?.comments, [
      { commentId: 'c1', author: 'person', text: 'why?', isDraft: false, messageId: 'm1', at: 1000 },
      { commentId: 'c2', author: 'person', text: 'why?', isDraft: true, at: 1002 },
    ]);
  });

  it('forgets a thread whose last comment was removed', () => {
    const { threads } = told(
      {
        type: 'comment.written',
        commentId: 'c',
        threadId: 't',
        author: 'person',
        text: 'x',
        place,
        isDraft: true,
      },
      { type: 'comment.removed', commentId: 'c' },
    );
    assert.deepEqual(threads, []);
  });

  it('knows what the workspace holds apart from what the person made of the proposal', () => {
    const proposal = { type: 'proposal.changed' as const, baseTree: oid(0), files: [] };
    const edited: NewEvent[] = [
      { ...proposal, revision: 1, headTree: oid(1) },
      { ...proposal, revision: 2, headTree: oid(2), by: 'person' },
    ];
    assert.equal(told(...edited).workspaceTree, oid(1));
    assert.equal(
      told(...edited, { type: 'workspace.set', turnId: 't1', headTree: oid(2) }).workspaceTree,
      oid(2),
    );
  });

  it('takes a turn and what followed it out of the chat when it was rolled back', () => {
    const turn = (turnId: string): NewEvent[] => [
      { type: 'turn.started', turnId },
      { type: 'turn.ended', turnId, outcome: 'completed', usage: {} },
    ];
    const rolledBack: NewEvent = { type: 'task.rolled_back', turnId: 'b', headTree: oid(1), kept: [] };
    const state = told(...turn('a'), ...turn('b'), ...turn('c'), rolledBack);
    assert.deepEqual(
      [state.turns.map(({ turnId }) => turnId), state.status, state.isWorkspacePast],
      [['a'], 'completed', true],
    );
    const set: NewEvent = { type: 'workspace.set', turnId: 'd', headTree: oid(1) };
    const { workspaceTree, isWorkspacePast } = told(...turn('b'), rolledBack, set);
    assert.deepEqual([workspaceTree, isWorkspacePast], [oid(1), undefined]);
  });

  it('has comments as if a turn that was gone back over had never been', () => {
    const said = { threadId: 'th', isDraft: true, author: 'person', text: 'why?' } as const;
    const turn = (turnId: string): NewEvent[] => {
      const answer = { ...said, text: 'so', author: 'agent', isDraft: false } as const;
      const messageId = `m-${turnId}`;
      return [
        {
          ...said,
          type: 'comment.written',
          commentId: `asked-${turnId}`,
          ...(turnId === 'a' ? { place } : {}),
        },
        { type: 'comments.submitted', commentIds: [`asked-${turnId}`], messageId },
        { type: 'turn.started', turnId },
        { type: 'message.delivered', turnId, messageId, text: '' },
        { ...answer, type: 'comment.written', commentId: `answered-${turnId}`, turnId },
        { type: 'thread.resolved', threadId: 'th', isResolved: true, turnId },
        { type: 'turn.ended', turnId, outcome: 'completed', usage: {} },
      ];
    };
    const back: NewEvent = { type: 'task.rolled_back', turnId: 'b', headTree: oid(1), kept: [] };
    const asked = { author: 'person', text: 'why?' } as const;
    const first = [
      { ...asked, commentId: 'asked-a', isDraft: false, messageId: 'm-a', at: 1000 },
      { commentId: 'answered-a', author: 'agent', text: 'so', isDraft: false, turnId: 'a', at: 1004 },
    ] as const;
    const thread = { threadId: 'th', place };
    assert.deepEqual(told(...turn('a')).threads, [
      { ...thread, isResolved: true, resolvedIn: 'a', comments: first },
    ]);
    assert.deepEqual(told(...turn('a'), ...turn('b'), back).threads, [
      {
        ...thread,
        isResolved: false,
        comments: [...first, { ...asked, commentId: 'asked-b', isDraft: true, at: 1007 }],
      },
    ]);
  });

  it('does not take the workspace for one of a base that moved on', () => {
    const [baseCommit, baseTree, formerTree] = [oid(8), oid(9), oid(0)];
    const updated: NewEvent = { type: 'base.updated', baseCommit, baseTree, formerTree, conflicts: [] };
    const proposed = { type: 'proposal.changed' as const, revision: 1, baseTree: formerTree, files: [] };
    assert.equal(told(updated).workspaceTree, formerTree);
    assert.equal(told({ ...proposed, headTree: oid(1) }, updated).workspaceTree, oid(1));
  });
});
