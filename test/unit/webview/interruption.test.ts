import assert from 'node:assert/strict';
import type { NewEvent } from '../../../server/protocol/events.ts';
import { interruptionOf } from '../../../webview-ui/transcript/interruption.ts';
import { stopped } from '../../webview/durable-story.ts';
import { finished, log, taskOf } from '../../webview/story.ts';

const turnId = 'turn-1';
const interruption = (events: NewEvent[]) => {
  const [turn] = taskOf(log(events)).turns;
  assert.ok(turn);
  const { stepsDone, cutOff } = interruptionOf(turn);
  return { stepsDone, cutOff: cutOff.map(({ callId }) => callId) };
};

describe('what a stop interrupted', () => {
  it('is the command that was stopped and what the subagent was at; the rest is done', () => {
    assert.deepEqual(interruption(stopped), { stepsDone: 6, cutOff: ['c6', 'x1/c2'] });
  });

  it('is nothing where every call had ended, also where one had failed', () => {
    assert.deepEqual(interruption(finished), { stepsDone: 6, cutOff: [] });
  });

  it('is the subagent itself where it was between two steps', () => {
    const between = stopped.filter((event) => !('callId' in event && event.callId === 'x1/c2'));
    assert.deepEqual(interruption(between), { stepsDone: 6, cutOff: ['c6', 'x1'] });
  });

  it('is a call that its turn’s end found open, with or without output', () => {
    const call = (callId: string): NewEvent => ({
      type: 'tool.started',
      ...{ turnId, callId, name: 'bash', input: { command: 'x' } },
    });
    assert.deepEqual(
      interruption([
        { type: 'turn.started', turnId },
        call('a'),
        call('b'),
        { type: 'tool.output', turnId, callId: 'b', stream: 'stdout', text: 'half' },
        { type: 'turn.ended', turnId, outcome: 'stopped', usage: {} },
      ]),
      { stepsDone: 0, cutOff: ['a', 'b'] },
    );
  });
});
