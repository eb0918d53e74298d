import assert from 'node:assert/strict';
import { createProgress, printable } from '../../../server/cli/progress.ts';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';

const turnId = 'turn-1';
const inText = { turnId, messageId: 'm1', attempt: 1 };

function shown(...events: NewEvent[]): string {
  const progress = createProgress();
  return events.map((event, index) => progress({ ...event, seq: index + 1, at: 0 } as TaskEvent)).join('');
}

describe('progress in a terminal', () => {
  it('shows words as they come, and one line a tool', () => {
    const text = shown(
      { type: 'sandbox.changed', state: 'running' },
      { type: 'text.delta', ...inText, text: 'I will ' },
      { type: 'text.delta', ...inText, text: 'look.' },
      { type: 'model.answered', ...inText, text: 'I will look.', toolCalls: [], usage: {} },
      { type: 'tool.started', turnId, callId: 'c1', name: 'shell', input: { command: 'npm   test\n' } },
      { type: 'tool.output', turnId, callId: 'c1', stream: 'stdout', text: 'noise' },
      {
        type: 'tool.finished',
        ...{ turnId, callId: 'c1', name: 'shell', output: 'ok', isError: false },
        durationMs: 5,
      },
      { type: 'tool.started', turnId, callId: 'c2', name: 'todo', input: { items: [] } },
      { type: 'tool.started', turnId, callId: 'c3', name: 'read', input: { path: 'a.ts' } },
      {
        type: 'tool.finished',
        ...{ turnId, callId: 'c3', name: 'read', output: 'no a.ts\nmore', isError: true },
        durationMs: 5,
      },
      {
        ...{ type: 'proposal.changed', revision: 1, baseTree: 'a'.repeat(40), headTree: 'b'.repeat(40) },
        files: [{ path: 'a', status: 'added', binary: false, additions: 1, deletions: 0 }],
      },
    );
    assert.equal(
      text,
      [
        '  sandbox running',
        'I will look.',
        '> shell npm test',
        '> todo {"items":[]}',
        '> read a.ts',
        '! read: no a.ts',
        '  1 file changed',
        '',
      ].join('\n'),
    );
  });

  it('begins a new line where a tool or a retry cuts into words', () => {
    const reason = { code: 'model_unavailable' as const, message: 'The model is busy.' };
    const text = shown(
      { type: 'text.delta', ...inText, text: 'half a sen' },
      { type: 'model.retried', ...inText, reason, delayMs: 1500 },
      { type: 'text.delta', ...inText, attempt: 2, text: 'again' },
      { type: 'tool.started', turnId, callId: 'c1', name: 'glob', input: { pattern: '**' } },
    );
    assert.equal(text, 'half a sen\n! The model is busy. Trying again in 2 s.\nagain\n> glob **\n');
  });

  it('shows why it waits, and of a subagent only what it does', () => {
    const by = { agentId: 'x1', parentId: turnId };
    const text = shown(
      { type: 'tool.started', turnId, callId: 'x1', name: 'task', input: { description: 'Find it' } },
      { type: 'text.delta', ...inText, ...by, text: 'Let me see.' },
      { type: 'model.answered', ...inText, ...by, text: 'Let me see.', toolCalls: [], usage: {} },
      { type: 'tool.started', turnId, ...by, callId: 'x1/1', name: 'grep', input: { pattern: 'it' } },
      {
        ...{ type: 'turn.waiting', turnId },
        reason: { code: 'no_slot', message: 'Others are first.', nextAction: 'Wait.' },
      },
    );
    assert.equal(text, '> task Find it\n  > grep it\n! Others are first. Wait.\n');
  });

  it('cuts a long input', () => {
    const text = shown({
      type: 'tool.started',
      turnId,
      callId: 'c',
      name: 'shell',
      input: { command: 'x'.repeat(500) },
    });
    assert.equal(text, `> shell ${'x'.repeat(99)}…\n`);
  });

  it('lets nobody but itself control the terminal', () => {
    assert.equal(printable('\u001b[2Ja\tb\r\nc\u009b1m\u0007\u202etxt.exe\u2066'), '[2Ja\tb\nc1mtxt.exe');
  });
});
