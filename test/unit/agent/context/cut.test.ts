import assert from 'node:assert/strict';
import type { ModelMessage } from 'ai';
import fc from 'fast-check';
import { createGauge } from '../../../../server/agent/context/gauge.ts';
import { CONTEXT } from '../../../../server/agent/context/limits.ts';
import { afterCut, type Crowd, planCut, sizeOf } from '../../../../server/agent/context/plan-cut.ts';
import { boundsOf } from '../../../../server/agent/context/render.ts';
import { createTranscript, type Transcript } from '../../../../server/agent/transcript.ts';

const turnId = 'u1';
const gauge = createGauge({ instructions: 'Work.', tools: [] });

function crowdOf(transcript: Transcript, window: number): Crowd {
  const bounds = boundsOf(window);
  const measure = gauge.measure(transcript, bounds);
  return { entries: transcript.entries(), view: transcript.view(), bounds, measure, window };
}

const says = (transcript: Transcript, messageId: string, text: string): void =>
  transcript.add({ type: 'message.delivered', turnId, messageId, text });

function answers(transcript: Transcript, n: number, results: readonly string[], name = 'read'): void {
  const messageId = `m${n}`;
  const toolCalls = results.map((_, index) => ({
    callId: `${messageId}c${index}`,
    name,
    input: { path: `f${n}` },
  }));
  transcript.add({
    type: 'model.answered',
    turnId,
    messageId,
    attempt: 1,
    text: `Answer ${n}.`,
    toolCalls,
    usage: {},
  });
  results.forEach((output, index) => {
    const callId = `${messageId}c${index}`;
    transcript.add({
      type: 'tool.finished',
      turnId,
      callId,
      name,
      output,
      isError: false,
      durationMs: 0,
    });
  });
}

/** Cuts as the relay does, with a summary where one is needed. @returns whether it cut */
function cut(transcript: Transcript, window: number, summary = 'What was done.'): boolean {
  const planned = planCut(crowdOf(transcript, window));
  if (planned === undefined) return false;
  const { evicted, upTo } = planned;
  transcript.add({
    type: 'context.cut',
    turnId,
    messageId: 'next',
    evicted,
    ...(upTo === undefined ? {} : { upTo, summary }),
    tokensBefore: 0,
    tokensAfter: 0,
  });
  return true;
}

/** Whether each call is answered right behind it, and nothing else is. */
function isPaired(messages: readonly ModelMessage[]): boolean {
  let open = '';
  for (const { role, content } of messages) {
    const results =
      role === 'tool' ? content.map((part) => (part.type === 'tool-result' ? part.toolCallId : '')) : [];
    if (results.join() !== open) return false;
    open =
      role === 'assistant' && typeof content !== 'string'
        ? content.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : [])).join()
        : '';
  }
  return open === '';
}

const contents = (transcript: Transcript, window: number): unknown[] =>
  transcript.messages(boundsOf(window)).map(({ content }) => content);

describe('a cut', () => {
  const long = 'x'.repeat(2000);

  it('leaves out the oldest results first, which say how they are read again, and spares the newest', () => {
    const transcript = createTranscript();
    says(transcript, 'c1', 'Do it');
    for (let n = 1; n <= 20; n++) answers(transcript, n, [long]);
    const window = 11_000;
    assert.deepEqual(planCut(crowdOf(transcript, window)), {
      evicted: Array.from({ length: 14 }, (_, index) => `m${index + 1}c0`),
      upTo: undefined,
    });
    cut(transcript, window);
    assert.deepEqual(transcript.messages(boundsOf(window)).slice(0, 3), [
      { role: 'user', content: 'Do it' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Answer 1.' },
          { type: 'tool-call', toolCallId: 'm1c0', toolName: 'read', input: { path: 'f1' } },
        ],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'm1c0',
            toolName: 'read',
            output: {
              type: 'text',
              value:
                '[The output of this call, 2000 characters, was left out to save room. It is kept: read it with the path output://m1c0.]',
            },
          },
        ],
      },
    ]);
  });

  it('has the older part summarised where that is not enough, and keeps what was said to the agent word for word', () => {
    const transcript = createTranscript();
    says(transcript, 'c1', 'Do it');
    for (let n = 1; n <= 40; n++) answers(transcript, n, ['short'.repeat(100)]);
    answers(transcript, 41, ['No, leave it.'], 'ask_user');
    says(transcript, 'c2', 'And quickly');
    for (let n = 42; n <= 80; n++) answers(transcript, n, ['short'.repeat(100)]);
    const window = 10_000;
    const planned = planCut(crowdOf(transcript, window));
    assert.deepEqual(planned, { evicted: [], upTo: 'm69' });
    cut(transcript, window, 'Notes.');
    assert.deepEqual(contents(transcript, window).slice(0, 4), [
      'Do it',
      'You asked the person (ask_user): {"path":"f41"}\nThe answer: No, leave it.',
      'And quickly',
      '[The conversation up to here was cut to save room. What was said to you in it stands above, word for word. What you did and found out:]\n\nNotes.',
    ]);
  });

  it('does without cutting where nothing would be gained', () => {
    const transcript = createTranscript();
    says(transcript, 'c1', 'Do it');
    answers(transcript, 1, ['short']);
    assert.equal(planCut(crowdOf(transcript, 100)), undefined);
  });

  it('cuts a single text that is longer than the model takes in its middle, also where nothing was cut yet', () => {
    const transcript = createTranscript();
    says(transcript, 'c1', `${'a'.repeat(900)}${'b'.repeat(900)}`);
    answers(transcript, 1, [`${'c'.repeat(900)}${'d'.repeat(900)}`]);
    const [said, , result] = transcript.messages(boundsOf(1000));
    assert.equal(
      said?.content,
      `${'a'.repeat(500)}\n[800 characters were left out here: it is longer than the model can take.]\n${'b'.repeat(500)}`,
    );
    assert.deepEqual(result?.role === 'tool' && result.content[0], {
      type: 'tool-result',
      toolCallId: 'm1c0',
      toolName: 'read',
      output: {
        type: 'text',
        value: `${'c'.repeat(500)}\n[800 characters were left out here: it is longer than the model can take. Read it with the path output://m1c0.]\n${'d'.repeat(500)}`,
      },
    });
  });

  it('takes what the provider counted for what it is, and estimates what came since at the same rate', () => {
    const transcript = createTranscript();
    says(transcript, 'c1', 'x'.repeat(4000));
    transcript.add({
      ...{ type: 'model.answered', turnId, messageId: 'm1', attempt: 1, toolCalls: [] },
      ...{ text: 'y'.repeat(360), usage: { inputTokens: 2000, outputTokens: 900 } },
    });
    const fresh = createGauge({ instructions: 'z'.repeat(1000), tools: [] });
    const chars = 1000 + 4000 + CONTEXT.messageChars;
    const rate = 2000 / chars;
    assert.deepEqual(fresh.measure(transcript, boundsOf(100_000)), {
      tokens: 2000 + Math.ceil(400 * rate),
      fixed: Math.ceil(1000 * rate),
      rate,
    });
  });

  it('never parts a call from its result, keeps all that is pinned, and stays bounded, whatever comes', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('said' as const), length: fc.integer({ min: 1, max: 300 }) }),
      fc.record({
        kind: fc.constant('answered' as const),
        results: fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 5 }),
      }),
      fc.record({ kind: fc.constant('rules' as const), file: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('told' as const), length: fc.integer({ min: 1, max: 4000 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 8000, max: 40_000 }),
        (steps, window) => {
          const transcript = createTranscript();
          const pinned = ['Do it'];
          says(transcript, 'c0', 'Do it');
          steps.forEach((done, n) => {
            if (done.kind === 'said') {
              const text = `${n} ${'s'.repeat(done.length)}`;
              pinned.push(text);
              says(transcript, `c${n + 1}`, text);
            } else if (done.kind === 'answered') {
              answers(
                transcript,
                n,
                done.results.map((length) => 'r'.repeat(length)),
              );
            } else if (done.kind === 'rules') {
              const path = `d${done.file}/AGENTS.md`;
              transcript.add({ type: 'rules.found', turnId, path, text: `rules of ${path}` });
              pinned.push(`rules of ${path}`);
            } else transcript.add({ type: 'review.told', turnId, text: 't'.repeat(done.length) });

            const crowd = crowdOf(transcript, window);
            if (crowd.measure.tokens > window * CONTEXT.cutAt) cut(transcript, window);
            const messages = transcript.messages(boundsOf(window));
            assert.ok(isPaired(messages), 'a call was parted from its result');
            const texts = messages.map(({ content }) => (typeof content === 'string' ? content : ''));
            for (const pin of pinned)
              assert.ok(
                texts.some((text) => text.includes(pin)),
                `${pin.slice(0, 20)} is gone`,
              );
            const after = crowdOf(transcript, window);
            assert.ok(sizeOf(after, after.view) <= window, 'the request is too large');
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shortens what is pinned beyond its share, the oldest first, but not the task and the newest word', () => {
    const transcript = createTranscript();
    says(transcript, 'c0', 'The task');
    for (let n = 1; n <= 40; n++) says(transcript, `c${n}`, `${n} ${'w'.repeat(1500)}`);
    answers(transcript, 1, ['short']);
    const window = 16_000;
    assert.equal(cut(transcript, window), true);
    const texts = contents(transcript, window).filter((text) => typeof text === 'string');
    assert.equal(texts[0], 'The task');
    assert.equal(texts.at(-1), `40 ${'w'.repeat(1500)}`);
    assert.ok(String(texts[1]).includes('characters were left out here'));
    const crowd = crowdOf(transcript, window);
    assert.ok(sizeOf(crowd, crowd.view) < window * CONTEXT.cutAt);
    assert.deepEqual(afterCut(crowd, { evicted: [], upTo: undefined }).cutLength, 42);
  });
});
