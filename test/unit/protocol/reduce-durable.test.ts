import assert from 'node:assert/strict';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import { TaskState } from '../../../server/protocol/task.ts';

const turnId = 'u1';
const started: NewEvent = { type: 'turn.started', turnId };

/** The state of the task's events, a second apart; also that it is one that the wire takes. */
function state(...events: NewEvent[]): TaskState {
  const numbered = events.map(
    (event, index) => ({ seq: index + 1, at: 1000 * (index + 1), ...event }) as TaskEvent,
  );
  return TaskState.parse(numbered.reduce(reduce, emptyTask('t')));
}

describe('reduce, of what durable work is made of', () => {
  const asked: NewEvent = {
    type: 'question.asked',
    turnId,
    questionId: 'u1:m1c0',
    question: 'Which?',
    options: [{ label: 'Red' }],
    freeText: true,
  };

  it('asks the person, shows the answer, and does not count the time between as the agent’s', () => {
    const waiting = state(started, asked, { type: 'turn.parked', turnId });
    assert.deepEqual([waiting.status, waiting.turns[0]?.restingSince], ['asking', 3000]);
    const done = state(
      started,
      asked,
      { type: 'turn.parked', turnId },
      { type: 'question.answered', turnId, questionId: 'u1:m1c0', answer: { kind: 'choice', label: 'Red' } },
      { type: 'turn.continued', turnId },
      { type: 'turn.ended', turnId, outcome: 'completed', usage: {} },
    );
    assert.deepEqual(done.turns, [
      {
        turnId,
        startedAt: 1000,
        endedAt: 6000,
        restedMs: 2000,
        outcome: 'completed',
        usage: {},
        items: [
          {
            kind: 'question',
            questionId: 'u1:m1c0',
            question: 'Which?',
            options: [{ label: 'Red' }],
            freeText: true,
            answer: { kind: 'choice', label: 'Red' },
            at: 2000,
          },
        ],
      },
    ]);
  });

  it('takes a question that nobody answered for dismissed when its turn ends', () => {
    const { turns } = state(started, asked, { type: 'turn.ended', turnId, outcome: 'stopped', usage: {} });
    assert.deepEqual(
      turns[0]?.items.map((item) => item.kind === 'question' && item.answer),
      [{ kind: 'dismissed' }],
    );
  });

  it('says why a turn waits, until it goes on', () => {
    const reason = { code: 'no_slot' as const, message: 'Too many.' };
    const waiting = state(started, { type: 'turn.waiting', turnId, reason });
    assert.deepEqual([waiting.status, waiting.turns[0]?.waiting], ['waiting', reason]);
    const on = state(started, { type: 'turn.waiting', turnId, reason }, { type: 'turn.continued', turnId });
    assert.deepEqual([on.status, on.turns[0]?.waiting, on.turns[0]?.restedMs], ['running', undefined, 1000]);
  });

  it('keeps stopping a turn that is told to wait meanwhile', () => {
    const reason = { code: 'disk_full' as const, message: 'Full.' };
    assert.equal(
      state(started, { type: 'turn.stopping', turnId }, { type: 'turn.waiting', turnId, reason }).status,
      'stopping',
    );
  });

  it('changes and takes back queued messages', () => {
    const queued = (messageId: string): NewEvent => ({ type: 'message.queued', messageId, text: messageId });
    const { queue } = state(
      started,
      queued('a'),
      queued('b'),
      { type: 'message.edited', messageId: 'b', text: 'better' },
      { type: 'message.withdrawn', messageId: 'a' },
    );
    assert.deepEqual(queue, [{ messageId: 'b', text: 'better', at: 3000 }]);
  });

  it('puts what a subagent says and does below the call that it works for', () => {
    const by = { turnId, agentId: 'u1:m1c1', parentId: turnId };
    const tool = (callId: string): NewEvent => ({
      type: 'tool.started',
      turnId,
      callId,
      name: 'task',
      input: {},
    });
    const { turns } = state(
      started,
      tool('u1:m1c1'),
      tool('u1:m1c10'),
      { type: 'text.delta', ...by, messageId: 'u1:m1c1:m1', attempt: 1, text: 'Found' },
      { type: 'tool.started', ...by, callId: 'u1:m1c1:m1c0', name: 'read', input: {} },
      { type: 'tool.output', ...by, callId: 'u1:m1c1:m1c0', stream: 'stdout', text: 'x' },
      { type: 'turn.ended', turnId, outcome: 'stopped', usage: {} },
    );
    const cut = { kind: 'tool', name: 'task', input: {}, isError: true, output: '' };
    assert.deepEqual(turns[0]?.items, [
      {
        ...cut,
        callId: 'u1:m1c1',
        startedAt: 2000,
        durationMs: 5000,
        items: [
          { kind: 'text', messageId: 'u1:m1c1:m1', attempt: 1, text: 'Found', done: true },
          { ...cut, callId: 'u1:m1c1:m1c0', name: 'read', startedAt: 5000, durationMs: 2000, output: 'x' },
        ],
      },
      { ...cut, callId: 'u1:m1c10', startedAt: 3000, durationMs: 4000 },
    ]);
  });

  it('shows checks after a turn’s end, one that is begun anew in place of the earlier', () => {
    const check = { turnId, name: 'tests' };
    const begun: NewEvent = { type: 'check.started', ...check, command: 'npm test' };
    const { turns } = state(started, begun, begun, {
      type: 'check.finished',
      ...check,
      outcome: 'failed',
      output: '1 failed',
      durationMs: 7,
    });
    assert.deepEqual(turns[0]?.checks, [
      {
        name: 'tests',
        command: 'npm test',
        startedAt: 3000,
        outcome: 'failed',
        output: '1 failed',
        durationMs: 7,
      },
    ]);
  });

  it('goes past what was compacted, from wherever in it, and over no other gap', () => {
    const compacted: TaskEvent = { seq: 5, at: 1, type: 'log.compacted', first: 2 };
    for (const seq of [1, 2, 4]) assert.equal(reduce({ ...emptyTask('t'), seq }, compacted).seq, 5);
    assert.throws(() => reduce(emptyTask('t'), compacted), RangeError);
  });
});
