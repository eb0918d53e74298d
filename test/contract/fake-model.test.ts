import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  generateText,
  jsonSchema,
  type LanguageModel,
  type ModelMessage,
  streamText,
  tool,
} from 'ai';
import { demo } from '../fakes/model/demo.ts';
import { scenarios } from '../fakes/model/scenarios.ts';
import type { Scenario, ToolCall } from '../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../fakes/model/server.ts';
import { createSampleRepo } from '../fakes/sample.ts';

const run = promisify(execFile);

const read = tool({
  inputSchema: jsonSchema<{ path: string }>({ type: 'object', properties: { path: { type: 'string' } } }),
  outputSchema: jsonSchema<string>({ type: 'string' }),
});

const providerOf = (model: FakeModel, apiKey = model.apiKey) =>
  createOpenAICompatible({ name: 'fake', baseURL: model.url, apiKey, includeUsage: true })('fake-model');

describe('the scripted model, driven by the real client', () => {
  let model: FakeModel;
  const start = async (scenario: Scenario) => {
    model = await startFakeModel({ scenario });
  };
  afterEach(() => model.close());

  it('streams text and tool calls in pieces, and chooses the reply by what the request holds', async () => {
    await start([
      {
        steps: [
          { text: 'Reading “it”.', toolCalls: [{ name: 'read', arguments: { path: 'a.md' } }], chunkSize: 3 },
          ({ messages }) => ({ text: `It says ${messages.at(-1)?.content}.` }),
        ],
      },
    ]);
    const messages: ModelMessage[] = [{ role: 'user', content: 'Go' }];
    const first = streamText({ model: providerOf(model), messages, tools: { read } });
    const deltas: string[] = [];
    for await (const delta of first.textStream) deltas.push(delta);
    const [call] = await first.toolCalls;
    assert.ok(deltas.length > 3);
    assert.deepEqual(
      { text: deltas.join(''), call: call?.input, reason: await first.finishReason },
      { text: 'Reading “it”.', call: { path: 'a.md' }, reason: 'tool-calls' },
    );
    assert.ok(Number((await first.usage).inputTokens) > 0);

    messages.push(...(await first.response).messages, {
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: String(call?.toolCallId),
          toolName: 'read',
          output: { type: 'text', value: 'hello' },
        },
      ],
    });
    for (const attempt of ['once', 'again after a restart']) {
      const { text } = await generateText({ model: providerOf(model), messages });
      assert.equal(text, 'It says hello.', attempt);
    }
    assert.deepEqual((await model.waitForRequest(1)).tools, ['read']);
  });

  it('meets each fault once, then answers', async () => {
    await start(scenarios.flaky);
    const outcomes: unknown[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) outcomes.push(await outcomeOf(providerOf(model)));
    assert.deepEqual(outcomes, [
      { status: 429, retryAfter: '1' },
      'cut',
      { status: 502, retryAfter: undefined },
      'answered',
    ]);
  });

  it('refuses a wrong key, and a conversation that no provider takes', async () => {
    await start(demo);
    await assert.rejects(
      generateText({ model: providerOf(model, 'wrong'), prompt: 'Go', maxRetries: 0 }),
      (error) => APICallError.isInstance(error) && error.statusCode === 401,
    );
    const orphan = await fetch(`${model.url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${model.apiKey}` },
      body: JSON.stringify({
        model: 'm',
        messages: [{ role: 'tool', tool_call_id: 'call_1', content: 'nobody asked' }],
      }),
    });
    assert.equal(orphan.status, 400);
    assert.match(await orphan.text(), /must be a response to a preceeding message/);
  });

  it('lets a request hang until the client gives up', async () => {
    await start([{ steps: [{ fault: 'hang' }] }]);
    const controller = new AbortController();
    const asked = generateText({
      model: providerOf(model),
      prompt: 'Go',
      abortSignal: controller.signal,
      maxRetries: 0,
    });
    await model.waitForRequest(1);
    controller.abort();
    await assert.rejects(asked, { name: 'AbortError' });
  });
});

describe('the demo scenario', () => {
  it('makes a change to the sample repository that passes its tests', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'handoff-demo-'));
    try {
      await createSampleRepo(directory);
      const calls = (demo[1]?.steps ?? []).flatMap((step) =>
        typeof step === 'function' || 'fault' in step ? [] : (step.toolCalls ?? []),
      );
      for (const call of calls) await apply(directory, call);
      const tests = await run(process.execPath, ['--test'], { cwd: directory });
      assert.match(tests.stdout, /pass 9\n/);
      const report = await run(process.execPath, ['src/cli.js', '--unit', 'mi', 'data/trips.csv'], {
        cwd: directory,
      });
      assert.match(report.stdout, /total {6}5 trips {5}85\.6 mi/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

/** How one streamed call ends. A cut surfaces as an error part or as a rejection, by when it happens. */
async function outcomeOf(languageModel: LanguageModel): Promise<unknown> {
  const result = streamText({ model: languageModel, prompt: 'Note', maxRetries: 0, onError: () => {} });
  const errors: unknown[] = [];
  try {
    for await (const part of result.fullStream) if (part.type === 'error') errors.push(part.error);
  } catch (error) {
    errors.push(error);
  }
  const [error] = errors;
  if (error === undefined) return 'answered';
  if (!APICallError.isInstance(error) || error.statusCode === 200) return 'cut';
  return { status: error.statusCode, retryAfter: error.responseHeaders?.['retry-after'] };
}

/** The effect of a file tool, by its contract. */
async function apply(directory: string, { name, arguments: args }: ToolCall): Promise<void> {
  if (typeof args === 'string') throw new Error('the demo has no malformed calls');
  const file = join(directory, String(args['path']));
  if (name === 'write') await writeFile(file, String(args['content']));
  if (name !== 'edit') return;
  const [before, ...after] = (await readFile(file, 'utf8')).split(String(args['oldText']));
  assert.equal(after.length, 1, `the edit of ${args['path']} matches once`);
  await writeFile(file, `${before}${args['newText']}${after[0]}`);
}
