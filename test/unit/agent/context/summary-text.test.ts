import assert from 'node:assert/strict';
import type { Entry } from '../../../../server/agent/context/entries.ts';
import { plainSummary, recordText, usableSummary } from '../../../../server/agent/context/summary-text.ts';

const entries: Entry[] = [
  { kind: 'said', text: 'Do it', isPinned: true },
  {
    kind: 'answer',
    messageId: 'm1',
    text: 'Looking.',
    usage: {},
    calls: [
      { callId: 'm1c0', name: 'read', input: { path: 'a' }, output: 'text', isError: false, media: [] },
      { callId: 'm1c1', name: 'bash', input: { command: 'x' }, output: 'no', isError: true, media: [] },
      { callId: 'm1c2', name: 'grep', input: {}, output: undefined, isError: false, media: [] },
    ],
  },
];

describe('the summary of a conversation', () => {
  it('is written from a record in which it is plain who said what', () => {
    assert.equal(
      recordText(entries, 'Older.', 100_000),
      `The record:

<notes>
Older.
</notes>

<said_to_the_engineer>
Do it
</said_to_the_engineer>

<engineer>
Looking.
</engineer>
<call tool="read">
{"path":"a"}
---
text
</call>
<call tool="bash" failed="true">
{"command":"x"}
---
no
</call>
<call tool="grep">
{}
---
It never ended.
</call>`,
    );
  });

  it('is written from a record that fits into its model, however long the conversation is', () => {
    const long: Entry[] = Array.from({ length: 200 }, (_, n) => ({
      kind: 'answer',
      messageId: `m${n}`,
      text: '',
      usage: {},
      calls: [
        {
          callId: `m${n}c0`,
          name: 'read',
          input: {},
          output: 'x'.repeat(50_000),
          isError: false,
          media: [],
        },
      ],
    }));
    for (const most of [2000, 20_000, 90_000, 400_000])
      assert.ok(recordText(long, undefined, most).length <= most + 100);
  });

  it('is the relay’s own where no model writes one: what was said and called, and what failed', () => {
    assert.equal(
      plainSummary(entries, 'Older.', 10_000),
      `Older.

# What was done, call by call (its results can be read again with the same calls)
- You said: Looking.
- read a
- bash x: failed: no
- grep`,
    );
  });

  it('keeps the newest lines where all of them are too many', () => {
    const many = Array.from({ length: 500 }, () => entries).flat();
    const text = plainSummary(many, 'x'.repeat(9000), 4000);
    assert.ok(text.length <= 4000, `${text.length}`);
    assert.ok(/older lines were left out/.test(text) && text.endsWith('- grep'));
  });

  it('is of no use where it is empty, and cut where it is too long', () => {
    assert.equal(usableSummary(' \n', 10), undefined);
    assert.equal(usableSummary(' notes ', 10), 'notes');
    assert.equal(usableSummary('0123456789ab', 10), '0123456789\n[the notes were longer]');
  });
});
