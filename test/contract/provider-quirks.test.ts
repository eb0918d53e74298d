import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { callModel, type ModelAnswer } from '../../server/agent/model.ts';
import { classify, usedBy } from '../../server/agent/model-errors.ts';
import { leadTools } from '../../server/agent/tools/registry.ts';
import { playRecording } from '../fakes/model/player.ts';

const tools = leadTools([]);

const RECORDINGS = new URL('../fixtures/providers/', import.meta.url);

interface Failed {
  code: string;
  message: string;
  retryable: boolean;
}

const says = (text: string, usage: ModelAnswer['usage'] = {}): ModelAnswer => ({
  text,
  toolCalls: [],
  usage,
});
const read = (path: string) => ({ name: 'read', input: { path } });
const calls = (...toolCalls: ModelAnswer['toolCalls']): ModelAnswer => ({ text: '', toolCalls, usage: {} });
const BROKEN: Failed = {
  code: 'model_cut_off',
  message: 'The model’s answer broke off before its end.',
  retryable: true,
};
const REFUSED: Failed = {
  code: 'model_refused',
  message: 'The model’s provider held its answer back (content filter).',
  retryable: false,
};
const unavailable = (message: string): Failed => ({ code: 'model_unavailable', message, retryable: true });
const rejected = (message: string): Failed => ({ code: 'model_rejected', message, retryable: false });

/** What each recording comes to. */
const EXPECTED: Record<string, ModelAnswer | Failed> = {
  'openai-text': says('Hello.', { inputTokens: 12, outputTokens: 3, cachedInputTokens: 4 }),

  'call-in-pieces': { ...calls(read('a.ts')), usage: { inputTokens: 20, outputTokens: 9 } },
  'call-name-and-id-apart': calls(read('a.ts')),
  'call-without-id': calls(read('a.ts')),
  'call-without-index': calls(read('a.ts'), { name: 'glob', input: { pattern: '*' } }),
  'call-arguments-as-object': calls(read('a.ts')),
  'call-arguments-as-json-of-json': calls(read('a.ts')),
  'call-whole-in-one-piece': {
    text: 'Looking.',
    toolCalls: [read('a.ts')],
    usage: { inputTokens: 20, outputTokens: 9 },
  },
  'calls-with-the-same-index': calls(read('a.ts'), read('b.ts')),
  'calls-interleaved': calls(read('a.ts'), { name: 'glob', input: { pattern: '*' } }),
  'call-name-repeated': calls(read('a.ts')),
  'call-without-function-in-last-piece': calls(read('a.ts')),
  'call-of-the-old-kind': calls(read('a.ts')),
  'call-without-arguments': calls({ name: 'todo', input: {} }),
  'call-though-stop': calls(read('a.ts')),
  'calls-announced-and-none': BROKEN,

  'usage-missing': says('Hi.'),
  'usage-in-last-piece': says('Hi.', { inputTokens: 12, outputTokens: 3 }),
  'usage-in-every-piece': says('Hi.', { inputTokens: 12, outputTokens: 3 }),
  'usage-with-null-choices': says('Hi.', { inputTokens: 12, outputTokens: 3 }),
  'usage-cache-of-its-own-name': says('Hi.', { inputTokens: 12, outputTokens: 3, cachedInputTokens: 8 }),

  'reasoning-content': says('Done.'),
  'reasoning-field': says('Done.'),
  'reasoning-as-object': says('Done.'),
  'think-tags': says('Done. Use <think> rarely.'),
  'think-never-closed': says('<think>I wonder'),
  'content-in-parts': says('Hi there.'),

  'finish-length': { ...says('A long ans', { inputTokens: 12, outputTokens: 4096 }), isCut: true },
  'finish-length-in-call': {
    ...calls({ name: 'write', input: { malformed: '{"path":"a.ts","content":"abc', isCut: true } }),
    isCut: true,
  },
  'finish-length-without-a-word': BROKEN,
  'finish-content-filter': REFUSED,
  'finish-refusal': REFUSED,
  'finish-missing': says('Hi.'),
  'finish-empty-text': says('Hi. There.'),
  'finish-error': BROKEN,

  'done-missing': says('Hi.'),
  'last-line-unfinished': says('Hi.'),
  'html-with-200': unavailable('The model endpoint answered with a web page instead of an answer.'),
  'html-with-502': unavailable('The model endpoint answered 502.'),
  'cut-in-text': BROKEN,
  'cut-in-a-piece': BROKEN,
  'cut-in-call': BROKEN,
  'ended-without-a-reason': BROKEN,
  'choices-empty': BROKEN,
  'nothing-at-all': BROKEN,
  'answer-empty': says(''),
  'keep-alive-comments': says('Hi.'),
  'keep-alive-objects': says('Hi.'),
  'crlf-and-bom': says('Hi – there.'),
  'event-names': says('Hi.'),
  'role-of-its-own': says('Hi.'),
  'garbage-in-stream': BROKEN,
  'answer-not-streamed': {
    text: 'Looking.',
    toolCalls: [read('a.ts')],
    usage: { inputTokens: 12, outputTokens: 3 },
  },

  'error-in-stream': unavailable('The model endpoint answered 529: Overloaded'),
  'error-in-stream-rate-limit': unavailable('The model endpoint answered 429: Too many tokens a minute.'),
  'error-in-stream-as-text': unavailable('The model endpoint answered 500: model crashed'),
  'error-in-stream-of-its-own': rejected('The model endpoint answered 400: prompt too long'),
  'error-in-stream-beside-choices': unavailable('The model endpoint answered 502: Provider disconnected'),
  'error-with-200': rejected('The model endpoint answered 404: No such model.'),
  silent: unavailable('The model endpoint fell silent in the middle of a call.'),
};

/** By what was sent, as they tell no tokens; what broke off may cost nothing. */
const USED = [{ costMicros: 47 }, { costMicros: 47 }, undefined];

/** What "OpenAI-compatible" providers really send, byte for byte, read through the real client. */
describe('the answers of providers', () => {
  for (const [name, expected] of Object.entries(EXPECTED)) {
    it(name.replaceAll('-', ' '), async () => {
      const provider = await playRecording(new URL(`${name}.txt`, RECORDINGS));
      let shown = '';
      try {
        const answer = await callModel(
          { baseUrl: `${provider.url}/v1`, model: 'm', stallMs: 300 },
          {
            instructions: 'Be good.',
            messages: [{ role: 'user', content: 'Go' }],
            tools,
            signal: new AbortController().signal,
            onText: (text) => {
              shown += text;
            },
          },
        ).catch((thrown: unknown): Failed => {
          const { error, retryable } = classify(thrown);
          return { code: error.code, message: error.message, retryable };
        });
        assert.deepEqual(answer, expected);
        if ('text' in answer) assert.equal(shown, answer.text);
      } finally {
        await provider.close();
      }
    });
  }

  it('are paid for also where nothing comes of them', async () => {
    const used: unknown[] = [];
    for (const name of ['finish-length-without-a-word', 'finish-content-filter', 'cut-in-text']) {
      const provider = await playRecording(new URL(`${name}.txt`, RECORDINGS));
      await callModel(
        { baseUrl: `${provider.url}/v1`, model: 'm', price: { input: 1, output: 10 } },
        {
          instructions: 'Be good.',
          messages: [{ role: 'user', content: 'Go' }],
          tools,
          signal: new AbortController().signal,
          onText: () => {},
        },
      ).catch((thrown: unknown) => used.push(usedBy(thrown)));
      await provider.close();
    }
    assert.deepEqual(used, USED);
  });

  it('are all here', () => {
    const recorded = readdirSync(RECORDINGS).map((file) => file.replace(/\.txt$/, ''));
    assert.deepEqual(recorded.toSorted(), Object.keys(EXPECTED).toSorted());
  });
});
