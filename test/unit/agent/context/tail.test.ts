import assert from 'node:assert/strict';
import { standingOf, tailText } from '../../../../server/agent/context/tail.ts';
import { emptyTask } from '../../../../server/protocol/reduce.ts';
import type { ReviewThread } from '../../../../server/protocol/task.ts';

const nothing = { todos: [], threads: undefined, stale: [], left: undefined };

describe('the last message of a request', () => {
  it('is not there where there is nothing to say: nobody’s plan, or one that is done', () => {
    assert.equal(tailText(nothing), undefined);
    assert.equal(tailText({ ...nothing, todos: [{ text: 'Build it', status: 'completed' }] }), undefined);
  });

  it('has the plan, open threads, what no longer holds, and what is left', () => {
    assert.equal(
      tailText({
        todos: [
          { text: 'Look', status: 'completed' },
          { text: 'Build', status: 'in_progress' },
          { text: 'Test', status: 'pending' },
        ],
        threads: '[thread 1] a.ts, line 3\nThe person: Why?',
        stale: ['a.ts:1-2 (found by “Look”) was changed since by you'],
        left: { modelCalls: 3, tokens: 1200 },
      }),
      `[How things stand as you are asked. Nobody says this to you; it is brought up to date for each of your answers.]

# Your plan
[x] Look
[>] Build
[ ] Test

# Open review threads
[thread 1] a.ts, line 3
The person: Why?

# What no longer holds
Look again before you rely on these:
- a.ts:1-2 (found by “Look”) was changed since by you

# What you have left
3 answers, this one included; 1200 tokens, those that you read included.`,
    );
  });

  it('says when an answer is the last that there may be', () => {
    assert.ok(tailText({ ...nothing, left: { modelCalls: 1 } })?.endsWith('This answer, and then no more.'));
  });

  it('tells the lead of the plan and the review, and a subagent of neither; drafts and what is settled nobody', () => {
    const comment = { commentId: 'c', author: 'person' as const, text: 'Why?', at: 0 };
    const thread = (threadId: string, isDraft: boolean, isResolved: boolean): ReviewThread => ({
      threadId,
      place: { path: 'a.ts', startLine: 3, endLine: 3, side: 'proposal', revision: 1, snippet: '' },
      isResolved,
      comments: [{ ...comment, isDraft }],
    });
    const state = {
      ...emptyTask('t'),
      todos: [{ text: 'Build', status: 'pending' as const }],
      threads: [thread('1', false, false), thread('2', true, false), thread('3', false, true)],
    };
    assert.deepEqual(standingOf(state, { isLead: true, id: 'u1' }), {
      todos: state.todos,
      threads: '[thread 1] a.ts, line 3\nThe person: Why?',
      stale: [],
    });
    assert.deepEqual(standingOf(state, { isLead: false, id: 'u1:m1c0' }), {
      todos: [],
      threads: undefined,
      stale: [],
    });
  });
});
