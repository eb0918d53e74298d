import assert from 'node:assert/strict';
import { createTranscript } from '../../../server/agent/transcript.ts';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';

const turnId = 'u1';
const delivered = { type: 'message.delivered' as const, turnId, messageId: 'c1', text: 'Do it' };
const answered = {
  type: 'model.answered' as const,
  turnId,
  messageId: 'm1',
  attempt: 1,
  text: 'Looking.',
  toolCalls: [
    { callId: 'k1', name: 'read', input: { path: 'a' } },
    { callId: 'k2', name: 'grep', input: { pattern: 'b' } },
  ],
  usage: {},
};
const finished = (callId: string, name: string, output: string, isError = false) => ({
  type: 'tool.finished' as const,
  turnId,
  callId,
  name,
  output,
  isError,
  durationMs: 1,
});
const call = (toolCallId: string, toolName: string, input: unknown) => ({
  type: 'tool-call',
  toolCallId,
  toolName,
  input,
});
const result = (toolCallId: string, toolName: string, type: string, value: string) => ({
  type: 'tool-result',
  toolCallId,
  toolName,
  output: { type, value },
});

describe('the transcript', () => {
  it('answers calls in the order of the calls, whatever order they finished in', () => {
    const transcript = createTranscript();
    transcript.add(delivered);
    transcript.add(answered);
    transcript.add(finished('k2', 'grep', 'found'));
    transcript.add(finished('k1', 'read', 'no such file', true));
    assert.deepEqual(transcript.messages(), [
      { role: 'user', content: 'Do it' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Looking.' },
          call('k1', 'read', { path: 'a' }),
          call('k2', 'grep', { pattern: 'b' }),
        ],
      },
      {
        role: 'tool',
        content: [result('k1', 'read', 'error-text', 'no such file'), result('k2', 'grep', 'text', 'found')],
      },
    ]);
  });

  it('never leaves a call unanswered: one that did not finish is said to be unknown', () => {
    const transcript = createTranscript();
    transcript.add(answered);
    transcript.add(finished('k1', 'read', 'text'));
    assert.deepEqual(transcript.messages()[1], {
      role: 'tool',
      content: [
        result('k1', 'read', 'text', 'text'),
        result('k2', 'grep', 'error-text', '[interrupted: whether and how far this ran is unknown]'),
      ],
    });
  });

  it('is the same from the log as from the running turn, and passes over everything else in the log', () => {
    const events = [delivered, answered, finished('k1', 'read', 'x'), finished('k2', 'grep', 'y')];
    const running = createTranscript();
    for (const event of events) running.add(event);
    const noise = { type: 'turn.started' as const, turnId };
    const log = [noise, ...events].map((event, index) => ({ seq: index + 1, at: 0, ...event }) as TaskEvent);
    const read = createTranscript();
    read.addAll(log);
    assert.deepEqual(read.messages(), running.messages());
  });

  it('tells the model what became of its machine, after the results of the calls that were under way', () => {
    const transcript = createTranscript();
    transcript.add(answered);
    transcript.add({ type: 'sandbox.changed', state: 'lost', detail: 'The provider has it no more' });
    transcript.add({ type: 'sandbox.changed', state: 'running', detail: 'A new machine', isNews: true });
    transcript.add({ type: 'sandbox.changed', state: 'running', detail: 'The provider says: running' });
    transcript.add({ type: 'sandbox.changed', state: 'running' });
    assert.deepEqual(
      transcript.messages().map(({ role }) => role),
      ['assistant', 'tool', 'user'],
    );
    assert.deepEqual(transcript.messages().at(-1), {
      role: 'user',
      content: '[The machine: A new machine.]',
    });
  });

  it('leaves out an answer that said nothing', () => {
    const transcript = createTranscript();
    transcript.add({ ...answered, text: '', toolCalls: [] });
    assert.deepEqual(transcript.messages(), []);
  });

  it('tells the model what the person pointed at', () => {
    const transcript = createTranscript();
    transcript.add({
      ...delivered,
      selection: [
        { path: 'src' },
        { path: 'a.ts', startLine: 3 },
        { path: 'b.ts', startLine: 1, endLine: 9 },
      ],
    });
    assert.deepEqual(transcript.messages(), [
      {
        role: 'user',
        content: 'Do it\n\nThe person pointed at:\n- src\n- a.ts, line 3\n- b.ts, lines 1 to 9',
      },
    ]);
  });

  it('has what the person made of the work, and nothing of turns that were rolled back', () => {
    const events: NewEvent[] = [
      { type: 'turn.started', turnId },
      delivered,
      { type: 'turn.started', turnId: 'u2' },
      { type: 'review.told', turnId: 'u2', text: 'what was rejected' },
      { ...delivered, turnId: 'u2', messageId: 'c2', text: 'Gone' },
      { type: 'task.rolled_back', turnId: 'u2', headTree: 'a'.repeat(40), kept: [] },
      { type: 'turn.started', turnId: 'u3' },
      { ...delivered, turnId: 'u3', messageId: 'c3', text: 'Go on' },
      { type: 'review.told', turnId: 'u3', text: 'what was edited' },
    ];
    const transcript = createTranscript();
    transcript.addAll(events.map((event, index): TaskEvent => ({ ...event, seq: index + 1, at: 0 })));
    assert.deepEqual(
      transcript.messages().map(({ content }) => content),
      ['Do it', 'Go on', 'what was edited'],
    );
  });
});
