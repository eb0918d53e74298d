import assert from 'node:assert/strict';
import { STILL_RUNS } from '../../../../server/agent/watch/limits.ts';
import { noChange } from '../../../../server/agent/watch/no-change.ts';
import { createWatch, type Watch, type WatchedEvent } from '../../../../server/agent/watch/watch.ts';
import type { NudgeReason } from '../../../../server/protocol/agent-events.ts';
import type { SeenFile } from '../../../../server/protocol/events.ts';

const turnId = 't';

/** An answer with one call and its result. */
interface Did {
  name?: string;
  input?: object;
  output?: string;
  files?: SeenFile[];
}

function watching() {
  const watch = createWatch();
  let n = 0;
  const did = ({ name = 'read', input = { path: 'a' }, output = 'text', files }: Did): Watch => {
    const callId = `${++n}`;
    const toolCalls = [{ callId, name, input }];
    watch.add({ type: 'model.answered', turnId, messageId: '', attempt: 1, text: '', usage: {}, toolCalls });
    const result = { callId, name, output, isError: false, durationMs: 0 };
    watch.add({ type: 'tool.finished', turnId, ...result, ...(files === undefined ? {} : { files }) });
    return watch;
  };
  const said = (text: string): void =>
    watch.add({ type: 'model.answered', turnId, messageId: '', attempt: 1, text, usage: {}, toolCalls: [] });
  const nudged = (reason: NudgeReason): void =>
    watch.add({ type: 'agent.nudged', turnId, messageId: '', reason, text: '' } satisfies WatchedEvent);
  const edited = (path: string, sha256: string): Watch =>
    did({ name: 'edit', input: { path, sha256 }, output: sha256, files: [{ path, sha256 }] });
  return { watch, did, said, nudged, edited };
}

const REPEATED = {
  kind: 'nudge',
  reason: 'repeated_calls',
  text: 'You made the same calls 3 times, and got the same results each time: read a. Making them again brings nothing new. Look at what the results say and go another way, or end with what stands in your way.',
};
const stuck = (message: string) => ({
  kind: 'failed',
  failure: {
    code: 'stuck',
    message,
    nextAction: 'Look at what it did; send a message that says how to go on.',
  },
});

describe('what an agent is watched for', () => {
  it('sees the same round whatever order its calls end in, as the log may have another than the running turn', () => {
    const { watch } = watching();
    for (let n = 0; n < 3; n++) {
      const calls = ['a', 'b'].map((path) => ({ callId: `${n}${path}`, name: 'read', input: { path } }));
      watch.add({
        ...{ type: 'model.answered', turnId, messageId: '', attempt: 1, text: '', usage: {} },
        toolCalls: calls,
      });
      for (const { callId, name } of n % 2 === 0 ? calls : calls.toReversed())
        watch.add({
          ...{ type: 'tool.finished', turnId, callId, name, isError: false, durationMs: 0 },
          output: callId.slice(-1),
        });
    }
    assert.equal(watch.atCalls()?.kind, 'nudge');
  });

  it('lets an agent wait for a command in the background, which says nothing new for long', () => {
    const { watch, did } = watching();
    for (let n = 0; n < 10; n++)
      did({ input: { path: 'output://c/stdout' }, output: `Building…\n${STILL_RUNS}` });
    assert.equal(watch.atCalls(), undefined);
  });

  it('is told at the third call that is the same and came to the same, and ends at the third after that', () => {
    const { watch, did, nudged } = watching();
    did({ input: { path: 'a', limit: 1 } });
    did({ input: { limit: 1, path: 'a' } });
    assert.equal(watch.atCalls(), undefined);
    did({ input: { path: 'a', limit: 1 } });
    assert.deepEqual(watch.atCalls(), REPEATED);
    nudged('repeated_calls');
    assert.equal(watch.atCalls(), undefined);
    for (const _ of [1, 2]) assert.equal(did({}).atCalls(), undefined);
    assert.deepEqual(
      did({}).atCalls(),
      stuck('The agent kept making the same calls with the same results, also after it was told: read a.'),
    );
  });

  it('sees a round of several calls that repeats, and nothing where a result or a call differs', () => {
    const { watch, did } = watching();
    for (const path of ['a', 'b', 'a', 'b', 'a']) assert.equal(did({ input: { path } }).atCalls(), undefined);
    const found = did({ input: { path: 'b' } }).atCalls();
    assert.deepEqual(found?.kind === 'nudge' && found.text.includes('each time: read a; read b.'), true);

    const other = watching();
    for (const output of ['1', '2', '3', '4', '5', '6']) other.did({ output });
    assert.equal(other.watch.atCalls(), undefined);
    assert.equal(watch.nudges('repeated_calls'), 0);
  });

  it('sees a file that came back twice to what it was, and not one that was mended once', () => {
    const { edited, nudged } = watching();
    for (const sha256 of ['1', '2', '1']) assert.equal(edited('x', sha256).atCalls(), undefined);
    assert.equal(edited('y', '9').atCalls(), undefined);
    assert.deepEqual(edited('x', '2').atCalls(), {
      kind: 'nudge',
      reason: 'ping_pong',
      text: 'x has come back 2 times to a content that it had before: your edits undo each other. Decide what it is to be, and why, before you change it again.',
    });
    nudged('ping_pong');
    for (const sha256 of ['3', '4', '3']) assert.equal(edited('x', sha256).atCalls(), undefined);
    assert.deepEqual(
      edited('x', '4').atCalls(),
      stuck('The agent kept undoing its own edits of x, also after it was told.'),
    );
  });

  it('takes what is undone in a long time for work', () => {
    const { did, edited } = watching();
    edited('x', '1');
    edited('x', '2');
    edited('x', '1');
    for (let k = 0; k < 12; k++) did({ output: String(k) });
    assert.equal(edited('x', '2').atCalls(), undefined);
  });

  it('tells of an empty answer each time, and ends at two in a row', () => {
    const { watch, did, said, nudged } = watching();
    const EMPTY = {
      kind: 'nudge',
      reason: 'empty_answer',
      text: 'Your last answer was empty: no text and no call. Go on with the work; where it is done, end with a short message that says what you did.',
    };
    said('Done.');
    assert.equal(watch.atEnd(), undefined);
    said(' \n');
    assert.deepEqual(watch.atEnd(), EMPTY);
    nudged('empty_answer');
    did({});
    said('');
    assert.deepEqual(watch.atEnd(), EMPTY);
    said('');
    assert.deepEqual(watch.atEnd(), stuck('The agent said nothing, twice in a row.'));
  });

  it('asks once whether nothing is meant to be left of what was written, and believes who wrote nothing since', () => {
    const { watch, said, nudged, edited } = watching();
    said('Done.');
    assert.equal(noChange(watch, true), undefined, 'nothing was written');
    edited('x', '1');
    assert.equal(noChange(watch, false), undefined, 'something is left');
    assert.deepEqual(noChange(watch, true), {
      kind: 'nudge',
      reason: 'no_change',
      text: 'You are done, you say, and you wrote files; but the workspace is exactly what it was when you began, so nothing is left of your work. If that is not meant, find out what undid it and make the change. If it is, say in your last message that nothing was changed, and why.',
    });
    nudged('no_change');
    assert.equal(noChange(watch, true), undefined);
    edited('x', '2');
    assert.deepEqual(
      noChange(watch, true),
      stuck(
        'The agent took itself for done, twice, although nothing was left of what it wrote: the workspace is as it was.',
      ),
    );
  });
});
