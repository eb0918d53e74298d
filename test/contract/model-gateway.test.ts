import assert from 'node:assert/strict';
import { callModel } from '../../server/agent/model.ts';
import { classify } from '../../server/agent/model-errors.ts';
import { leadTools } from '../../server/agent/tools/registry.ts';
import type { Fault, Reply } from '../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../fakes/model/server.ts';

const tools = leadTools([]);

/** The one door to every model, through the real SDK, against a provider that says what it is told to say. */
describe('the model gateway', () => {
  let model: FakeModel;
  afterEach(() => model.close());

  async function ask(step: Reply | Fault, options: { apiKey?: string; signal?: AbortSignal } = {}) {
    model = await startFakeModel({ scenario: [{ steps: [step] }] });
    const pieces: string[] = [];
    const answer = callModel(
      { baseUrl: model.url, apiKey: options.apiKey ?? model.apiKey, model: 'm' },
      {
        instructions: 'Be good.',
        messages: [{ role: 'user', content: 'Go' }],
        tools,
        signal: options.signal ?? new AbortController().signal,
        onText: (text) => pieces.push(text),
      },
    );
    return { answer, pieces };
  }

  const failure = async (step: Reply | Fault, options?: { apiKey?: string }) => {
    const { answer } = await ask(step, options);
    const thrown = await answer.then(
      () => assert.fail('the call should fail'),
      (error: unknown) => error,
    );
    const { error, retryable, retryAfterMs } = classify(thrown);
    return { code: error.code, message: error.message, retryable, retryAfterMs };
  };

  it('streams text in pieces and reports what was used', async () => {
    const { answer, pieces } = await ask({ text: 'Hello, world.', chunkSize: 5 });
    const { text, toolCalls, usage } = await answer;
    assert.deepEqual({ text, toolCalls }, { text: 'Hello, world.', toolCalls: [] });
    assert.deepEqual(pieces, ['Hello', ', wor', 'ld.']);
    assert.equal(typeof usage.inputTokens, 'number');
    assert.equal(typeof usage.outputTokens, 'number');
  });

  it('sends every tool with its public name and shape, in a fixed order', async () => {
    const { answer } = await ask({ text: 'ok' });
    await answer;
    const [request] = model.requests;
    const sent = request?.body['tools'] as {
      function: { name: string; parameters: { properties: object; required: string[] } };
    }[];
    assert.deepEqual(
      sent.map(({ function: { name, parameters } }) => [
        name,
        Object.keys(parameters.properties),
        parameters.required,
      ]),
      [
        ['read', ['path', 'offset', 'limit', 'column'], ['path']],
        ['write', ['path', 'content', 'why'], ['path', 'content']],
        ['edit', ['path', 'oldText', 'newText', 'replaceAll', 'edits', 'why'], ['path']],
        ['glob', ['pattern', 'path', 'limit', 'offset'], ['pattern']],
        ['grep', ['pattern', 'path', 'glob', 'ignoreCase', 'limit', 'offset'], ['pattern']],
        ['bash', ['command', 'cwd', 'timeoutMs', 'background'], ['command']],
        ['stop_command', ['handle'], ['handle']],
        ['fetch', ['url'], ['url']],
        ['todo', ['items'], ['items']],
        ['task', ['role', 'description', 'prompt', 'keepOnFailure', 'limits'], ['description', 'prompt']],
        ['ask_user', ['question', 'options', 'freeText'], ['question']],
        ['reply', ['threadId', 'text', 'resolve'], ['threadId', 'text']],
        ['describe_changes', ['title', 'body'], ['title', 'body']],
        ['lesson', ['what', 'why', 'do'], ['what', 'why', 'do']],
        ['propose_plan', ['plan'], ['plan']],
      ],
    );
  });

  it('gathers tool calls whose arguments come in pieces', async () => {
    const { answer } = await ask({
      text: 'Looking.',
      toolCalls: [
        { name: 'read', arguments: { path: 'a.ts' } },
        { name: 'grep', arguments: { pattern: 'x', ignoreCase: true } },
      ],
      chunkSize: 3,
    });
    assert.deepEqual((await answer).toolCalls, [
      { name: 'read', input: { path: 'a.ts' } },
      { name: 'grep', input: { pattern: 'x', ignoreCase: true } },
    ]);
  });

  it('hands on a call that cannot be run, with its arguments as an object, instead of failing', async () => {
    const { answer } = await ask({
      toolCalls: [
        { name: 'fly', arguments: {} },
        { name: 'read', arguments: '{"path": "a' },
        { name: 'read', arguments: { paths: 1 } },
      ],
    });
    assert.deepEqual((await answer).toolCalls, [
      { name: 'fly', input: {} },
      { name: 'read', input: { malformed: '{"path": "a' } },
      { name: 'read', input: { paths: 1 } },
    ]);
  });

  it('does not take an answer that broke off for a whole one', async () => {
    const { code, retryable } = await failure({
      fault: 'cut',
      afterChunks: 2,
      text: 'One two three four five six',
    });
    assert.deepEqual({ code, retryable }, { code: 'model_cut_off', retryable: true });
  });

  it('takes a success without content for a broken answer', async () => {
    const { code, retryable } = await failure({ fault: 'empty' });
    assert.deepEqual({ code, retryable }, { code: 'model_cut_off', retryable: true });
  });

  it('waits as long as the provider asks when it is asked to', async () => {
    assert.deepEqual(
      await failure({
        fault: 'status',
        status: 429,
        retryAfter: 7,
        body: { error: { message: 'Slow down.' } },
      }),
      {
        code: 'model_unavailable',
        message: 'The model endpoint answered 429: Slow down.',
        retryable: true,
        retryAfterMs: 7000,
      },
    );
  });

  it('does not try again what will not pass by itself', async () => {
    const unauthorized = await failure({ text: 'x' }, { apiKey: 'sk-wrong-canary' });
    assert.deepEqual(unauthorized, {
      code: 'model_unauthorized',
      message: 'The model endpoint answered 401: Incorrect API key provided.',
      retryable: false,
      retryAfterMs: undefined,
    });
    await model.close();
    const rejected = await failure({
      fault: 'status',
      status: 400,
      body: { error: { message: 'Too long.' } },
    });
    assert.deepEqual([rejected.code, rejected.retryable], ['model_rejected', false]);
  });

  it('repeats nothing of an error page', async () => {
    const { message, retryable } = await failure({ fault: 'html', status: 502 });
    assert.deepEqual([message, retryable], ['The model endpoint answered 502.', true]);
  });

  it('ends at once when it is aborted', async () => {
    const stop = new AbortController();
    const { answer } = await ask({ fault: 'hang' }, { signal: stop.signal });
    await model.waitForRequest(1);
    stop.abort();
    await assert.rejects(answer, { name: 'AbortError' });
  });
});
