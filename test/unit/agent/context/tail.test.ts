import assert from 'node:assert/strict';
import type { Agent } from '../../../../server/agent/agent.ts';
import { createTail, standingOf, tailText } from '../../../../server/agent/context/tail.ts';
import { createTranscript } from '../../../../server/agent/transcript.ts';
import type { TurnContext } from '../../../../server/agent/turn-context.ts';
import type { CapStanding, Caps } from '../../../../server/models/spend.ts';
import { emptyTask } from '../../../../server/protocol/reduce.ts';
import type { ReviewThread } from '../../../../server/protocol/task.ts';

const nothing = { todos: [], threads: undefined, stale: [], left: undefined, caps: [] };

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
        caps: [
          { cap: 'turn', limitMicros: 1_000_000, usedMicros: 123_456 },
          { cap: 'user', limitMicros: 5_000_000, usedMicros: 5_100_000 },
        ],
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
3 answers, this one included; 1200 tokens, those that you read included.
Money for model calls, your subagents’ included: $0.87 of $1.00 for this turn; $0.00 of $5.00 for all of the person’s tasks today. Before a call that could cost more the person is asked.`,
    );
  });

  it('says when an answer is the last that there may be', () => {
    assert.ok(tailText({ ...nothing, left: { modelCalls: 1 } })?.endsWith('This answer, and then no more.'));
  });

  /** A lead of 300 answers, or a subagent, in a turn to which nothing was said but its prompt; with what was looked for. */
  function tailOf(caps: Caps | undefined, isLead = true) {
    const looked: string[] = [];
    const turn = {
      ...{ taskId: 't', turnId: 'u1' },
      states: {
        async current() {
          looked.push('state');
          return emptyTask('t');
        },
      },
      spend: {
        caps: () => caps,
        async standing(): Promise<CapStanding[]> {
          looked.push('caps');
          return [{ cap: 'turn', limitMicros: 2_000_000, usedMicros: 500_000 }];
        },
      },
    } as unknown as TurnContext;
    const agent = { id: 'u1', isLead, maxModelCalls: 300 } as unknown as Agent;
    return { tail: createTail(turn, agent, createTranscript()), looked };
  }

  it('asks for nothing at each step where there is nothing to say and no cap is set', async () => {
    const { tail, looked } = tailOf(undefined);
    const texts = [await tail.text(1), await tail.text(2), await tail.text(285)];
    assert.deepEqual([texts, looked], [[undefined, undefined, undefined], ['state']]);
    assert.ok((await tail.text(286))?.endsWith('\n15 answers, this one included.'));
    assert.ok((await tail.text(300))?.endsWith('\nThis answer, and then no more.'));
    assert.deepEqual(looked, ['state']);
  });

  it('tells the lead each time what is left of caps that are set, and a subagent nothing of them', async () => {
    const { tail, looked } = tailOf({ turn: 2_000_000 });
    const left =
      '# What you have left\nMoney for model calls, your subagents’ included: $1.50 of $2.00 for this turn. Before a call that could cost more the person is asked.';
    assert.ok((await tail.text(1))?.endsWith(left));
    assert.ok((await tail.text(2))?.endsWith(left));
    assert.deepEqual(looked, ['caps', 'state', 'caps']);
    const below = tailOf({ turn: 2_000_000 }, false);
    assert.deepEqual([await below.tail.text(1), below.looked], [undefined, ['state']]);
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
