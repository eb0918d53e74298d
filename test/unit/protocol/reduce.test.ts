import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import { TaskState } from '../../../server/protocol/task.ts';

const OID = 'a'.repeat(40);

/** Events with the numbers and times that the log would give them. */
function numbered(...events: NewEvent[]): TaskEvent[] {
  return events.map((event, index) => ({ seq: index + 1, at: 1000 + index, ...event }) as TaskEvent);
}

const state = (...events: NewEvent[]): TaskState => numbered(...events).reduce(reduce, emptyTask('t'));

const created: NewEvent = {
  type: 'task.created',
  taskId: 't',
  title: 'Fix it',
  source: { repository: 'shop', commit: OID, overlayFiles: 2 },
};
const turnId = 'u1';
const started: NewEvent = { type: 'turn.started', turnId };
const selection = [{ path: 'src/a.ts', startLine: 3, endLine: 9 }];
const message: NewEvent = { type: 'message.delivered', turnId, messageId: 'c1', text: 'Fix it', selection };

describe('reduce', () => {
  it('shows in the chat what became of the machine, and nothing of its sleep', () => {
    const made = state(
      created,
      { type: 'sandbox.changed', state: 'lost', detail: 'before any turn' },
      started,
      { type: 'sandbox.changed', state: 'hibernated' },
      { type: 'sandbox.changed', state: 'lost', detail: 'The provider has it no more' },
      { type: 'sandbox.changed', state: 'running', detail: 'A new machine', isNews: true },
      { type: 'sandbox.changed', state: 'running', detail: 'The provider says: running' },
      { type: 'sandbox.changed', state: 'running' },
    );
    assert.deepEqual(made.sandbox, { state: 'running' });
    assert.deepEqual(made.turns[0]?.items, [
      {
        kind: 'notice',
        level: 'warning',
        text: 'The task’s machine is lost. The provider has it no more.',
        at: 1004,
      },
      { kind: 'notice', level: 'warning', text: 'A new machine.', at: 1005 },
    ]);
  });

  it('makes the state of a whole turn', () => {
    const made = state(
      created,
      started,
      message,
      { type: 'sandbox.changed', state: 'running' },
      { type: 'model.called', turnId, messageId: 'm1', attempt: 1, model: 'x' },
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 1, text: 'I will ' },
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 1, text: 'look' },
      {
        type: 'model.answered',
        turnId,
        messageId: 'm1',
        attempt: 1,
        text: 'I will look.',
        toolCalls: [{ callId: 'k1', name: 'bash', input: { command: 'ls' } }],
        usage: {},
      },
      { type: 'tool.started', turnId, callId: 'k1', name: 'bash', input: { command: 'ls' } },
      { type: 'tool.output', turnId, callId: 'k1', stream: 'stdout', text: 'a.js\n' },
      {
        type: 'tool.finished',
        turnId,
        callId: 'k1',
        name: 'bash',
        output: 'a.js',
        isError: false,
        durationMs: 7,
      },
      { type: 'turn.ended', turnId, outcome: 'completed', usage: { inputTokens: 3 } },
    );
    assert.deepEqual(made, {
      taskId: 't',
      seq: 12,
      title: 'Fix it',
      status: 'completed',
      createdAt: 1000,
      updatedAt: 1011,
      source: { repository: 'shop', commit: OID, overlayFiles: 2 },
      sandbox: { state: 'running' },
      turns: [
        {
          turnId,
          startedAt: 1001,
          endedAt: 1011,
          outcome: 'completed',
          usage: { inputTokens: 3 },
          items: [
            { kind: 'user', messageId: 'c1', text: 'Fix it', selection, at: 1002 },
            { kind: 'text', messageId: 'm1', attempt: 1, text: 'I will look.', done: true },
            {
              kind: 'tool',
              callId: 'k1',
              name: 'bash',
              input: { command: 'ls' },
              startedAt: 1008,
              output: 'a.js',
              isError: false,
              durationMs: 7,
            },
          ],
        },
      ],
      queue: [],
      todos: [],
      threads: [],
    });
    assert.deepEqual(TaskState.parse(made), made, 'a state is what the wire says a state is');
  });

  it('shows the text of the last attempt only', () => {
    const made = state(
      created,
      started,
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 1, text: 'broken off' },
      {
        type: 'model.retried',
        turnId,
        messageId: 'm1',
        attempt: 1,
        reason: { code: 'model_cut_off', message: 'The answer broke off.' },
        delayMs: 1500,
      },
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 2, text: 'whole' },
    );
    assert.deepEqual(made.turns[0]?.items, [
      { kind: 'notice', level: 'warning', text: 'The answer broke off. Trying again in 2 s.', at: 1003 },
      { kind: 'text', messageId: 'm1', attempt: 2, text: 'whole', done: false },
    ]);
  });

  it('drops a late piece of an earlier attempt', () => {
    const made = state(
      created,
      started,
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 2, text: 'new' },
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 1, text: 'old' },
    );
    assert.deepEqual(made.turns[0]?.items, [
      { kind: 'text', messageId: 'm1', attempt: 2, text: 'new', done: false },
    ]);
  });

  it('settles what was open when a turn was stopped', () => {
    const made = state(
      created,
      started,
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 1, text: 'Now' },
      { type: 'tool.started', turnId, callId: 'k1', name: 'bash', input: {} },
      { type: 'tool.output', turnId, callId: 'k1', stream: 'stderr', text: 'half' },
      { type: 'turn.ended', turnId, outcome: 'stopped', usage: {} },
    );
    assert.deepEqual(made.turns[0]?.items, [
      { kind: 'text', messageId: 'm1', attempt: 1, text: 'Now', done: true },
      {
        kind: 'tool',
        callId: 'k1',
        name: 'bash',
        input: {},
        startedAt: 1003,
        output: 'half',
        isError: true,
        durationMs: 2,
      },
    ]);
    assert.equal(made.status, 'stopped');
  });

  it('moves a queued message into the turn that reads it', () => {
    const queued: NewEvent = { type: 'message.queued', messageId: 'c2', text: 'also this' };
    assert.deepEqual(state(created, started, queued).queue, [
      { messageId: 'c2', text: 'also this', at: 1002 },
    ]);
    const made = state(created, started, queued, {
      type: 'message.delivered',
      turnId,
      messageId: 'c2',
      text: 'also this',
    });
    assert.deepEqual(made.queue, []);
    assert.deepEqual(made.turns[0]?.items, [{ kind: 'user', messageId: 'c2', text: 'also this', at: 1003 }]);
  });

  it('follows a publication to its pull request, and forgets a failed one', () => {
    const publish = { publishId: 'p1', branch: 'handoff/x', acceptedTree: OID };
    const opened = state(
      created,
      { type: 'publish.started', ...publish },
      { type: 'publish.committed', publishId: 'p1', commit: OID, tree: OID },
      { type: 'publish.pushed', publishId: 'p1', branch: 'handoff/x', commit: OID, tree: OID },
      { type: 'publish.opened', publishId: 'p1', pullRequest: { url: 'u', number: 7, reused: false } },
    );
    assert.deepEqual(opened.publish, {
      ...publish,
      stage: 'opened',
      commit: OID,
      pullRequest: { url: 'u', number: 7, reused: false },
    });
    const again = state(
      created,
      { type: 'publish.started', ...publish },
      { type: 'publish.failed', publishId: 'p1', error: { code: 'push_rejected', message: 'No.' } },
      { type: 'publish.started', ...publish, publishId: 'p2' },
      { type: 'publish.failed', publishId: 'p1', error: { code: 'internal', message: 'late' } },
    );
    assert.deepEqual(again.publish, { ...publish, publishId: 'p2', stage: 'started' });
  });

  it('ignores what it has seen and refuses a gap', () => {
    const [first, second, third] = numbered(created, started, message);
    assert.ok(first && second && third);
    const after = [first, second].reduce(reduce, emptyTask('t'));
    assert.equal(reduce(after, first), after);
    assert.throws(() => reduce(emptyTask('t'), second), RangeError);
    assert.throws(() => reduce(after, { ...third, seq: 4 }), RangeError);
  });

  it('gives the same state however a log is read in pieces and repeated', () => {
    const log = numbered(
      created,
      started,
      message,
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 1, text: 'a' },
      { type: 'text.delta', turnId, messageId: 'm1', attempt: 1, text: 'b' },
      { type: 'tool.started', turnId, callId: 'k', name: 'read', input: {} },
      { type: 'turn.ended', turnId, outcome: 'failed', usage: {} },
    );
    const whole = log.reduce(reduce, emptyTask('t'));
    fc.assert(
      fc.property(fc.array(fc.nat(log.length), { maxLength: 8 }), (cursors) => {
        // Each reconnection reads again from some point that was seen already.
        const read = [...cursors, 0].reduce((known, cursor) => {
          const from = Math.min(cursor, known.seq);
          return log.slice(from, from + 4).reduce(reduce, known);
        }, emptyTask('t'));
        assert.deepEqual(log.slice(read.seq).reduce(reduce, read), whole);
      }),
    );
  });
});
