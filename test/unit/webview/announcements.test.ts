import assert from 'node:assert/strict';
import type { NewEvent } from '../../../server/protocol/events.ts';
import { reduce } from '../../../server/protocol/reduce.ts';
import { announcements, sentenceEnd } from '../../../webview-ui/announcements.ts';
import { answered, asking, checked, waiting } from '../../webview/durable-story.ts';
import { failed, finished, log, taskOf } from '../../webview/story.ts';

/** What is said when events come one at a time. */
function heard(events: NewEvent[]): string[] {
  const all = log(events);
  let task = taskOf([]);
  return all.flatMap((event) => {
    const before = task;
    task = reduce(task, event);
    return announcements(before, task);
  });
}

describe('announcements', () => {
  it('tell a whole task in sentences and ends of tools', () => {
    assert.deepEqual(heard(finished), [
      'The agent is working.',
      'Searched total\\( in src 2 results.',
      'Read src/cart.ts lines 1–40.',
      'Read src/prices.ts failed.',
      'The sum is done in floating point.',
      'I will compute in cents.',
      'Edited src/cart.ts.',
      'Wrote test/cart.test.ts 2 lines.',
      'Ran npm test 1.2 s.',
      'I found the cause:',
      'total() adds prices as floats, so cents are lost. 1. Prices are now integers of cents. 2. src/money.ts formats them.',
      'See the report for the cases.',
      'The agent has finished.',
      '4 changed files to review.',
    ]);
  });

  it('tell what is asked, and that the agent goes on, but not the call that asks', () => {
    assert.deepEqual(heard([...asking, ...answered]).slice(-2), [
      'The agent asks: Prices come as strings in legacy.csv. How should those be read? Answers: Convert them, Refuse them, Leave them out.',
      'The agent is working.',
    ]);
  });

  it('tell why a turn waits, and how checks went', () => {
    assert.equal(heard(waiting).at(-1), 'The agent waits. The disk of the relay is full.');
    assert.deepEqual(heard(checked).slice(-2), ['Check lint passed.', 'Check types failed.']);
  });

  it('say why a turn failed', () => {
    assert.equal(heard(failed).at(-1), 'The agent failed. The model did not answer after 5 attempts.');
  });

  it('say each word once, however the text is cut', () => {
    const text = 'One sentence. Another one! And a tail';
    const deltas = [...text].map(
      (letter): NewEvent => ({ type: 'text.delta', turnId: 't', messageId: 'm', attempt: 1, text: letter }),
    );
    assert.deepEqual(
      heard([
        { type: 'turn.started', turnId: 't' },
        ...deltas,
        { type: 'model.answered', turnId: 't', messageId: 'm', attempt: 1, text, toolCalls: [], usage: {} },
      ]),
      ['The agent is working.', 'One sentence.', 'Another one!', 'And a tail'],
    );
  });

  it('find the end of the last finished sentence', () => {
    assert.deepEqual(
      ['', 'no end', 'version 1.2', 'Done.', 'Done. More', 'line\nmore'].map(sentenceEnd),
      [0, 0, 0, 0, 5, 5],
    );
  });
});
