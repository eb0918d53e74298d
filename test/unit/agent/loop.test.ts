import assert from 'node:assert/strict';
import * as z from 'zod';
import { entriesOf } from '../../../server/aftermath/usage-entries.ts';
import { usageOf } from '../../../server/agent/halt.ts';
import type { ModelRequest, RequestedCall } from '../../../server/agent/model.ts';
import { brokenOff, PaidFailure, refused } from '../../../server/agent/model-errors.ts';
import { defineTool } from '../../../server/agent/tools/tool.ts';
import { openStage, TURN } from '../../fakes/agent-stage.ts';

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ path: z.string() }),
  writes: false,
  run: async ({ path }) => `seen ${path}`,
});
const looking = (path: string): RequestedCall[] => [{ name: 'look', input: { path } }];

/** A lead whose model says these in turn, by how many requests there were. */
async function stageOf(says: { text: string; toolCalls: RequestedCall[] }[], files = {}) {
  const requests: ModelRequest[] = [];
  const stage = await openStage({
    ...{ prompt: 'Do it', tools: [look], window: 100_000, maxModelCalls: 20, files },
    async callModel(_settings, request) {
      requests.push({ ...request, messages: [...request.messages] });
      return { ...(says[requests.length - 1] ?? { text: 'Done.', toolCalls: [] }), usage: {} };
    },
  });
  return { stage, requests };
}

const told = (request: ModelRequest | undefined): unknown[] =>
  request?.messages.filter(({ role }) => role === 'user').map(({ content }) => content) ?? [];

describe('the loop of an agent', () => {
  it('is append-only in what it sends, byte for byte, where nothing has to be cut', async () => {
    const { stage, requests } = await stageOf([
      { text: 'a', toolCalls: looking('x') },
      { text: 'b', toolCalls: looking('y') },
    ]);
    assert.deepEqual(await stage.run(), { kind: 'completed', text: 'Done.' });
    const sent = requests.map(({ messages }) => messages.map((message) => JSON.stringify(message)));
    for (const [index, messages] of sent.entries())
      assert.deepEqual(messages.slice(0, sent[index - 1]?.length ?? 0), sent[index - 1] ?? []);
    assert.deepEqual(
      requests.map(({ standing, instructions }) => [standing, instructions]),
      requests.map(() => [undefined, 'You work on a long task.']),
    );
  });

  it('asks again after an empty answer, once, and goes on from the log as if it had not been interrupted', async () => {
    const empty = { text: '', toolCalls: [] };
    const { stage, requests } = await stageOf([empty]);
    assert.deepEqual(await stage.run(), { kind: 'completed', text: 'Done.' });
    assert.deepEqual(told(requests[1]).slice(1), [
      'Your last answer was empty: no text and no call. Go on with the work; where it is done, end with a short message that says what you did.',
    ]);
    const before = await stage.events();
    assert.deepEqual(await stage.run(), { kind: 'completed', text: 'Done.' });
    assert.deepEqual(await stage.events(), before, 'nothing is told or asked twice');

    const again = await stageOf([empty, empty]);
    const end = await again.stage.run();
    assert.equal(end.kind === 'failed' && end.failure.code, 'stuck');
  });

  it('tells it that it repeats itself, and ends where it goes on with that', async () => {
    const says = Array.from({ length: 6 }, () => ({ text: '', toolCalls: looking('x') }));
    const { stage, requests } = await stageOf(says);
    const end = await stage.run();
    assert.equal(end.kind === 'failed' && end.failure.code, 'stuck');
    assert.equal(requests.length, 6);
    assert.deepEqual(
      requests.map((request) => told(request).length),
      [1, 1, 1, 2, 2, 2],
    );
    assert.deepEqual((await stage.run()).kind, 'failed', 'also where it is taken up again');
    assert.equal(requests.length, 6);
  });

  it('tells the rules of a folder when something in it is first touched, each once, the outermost first', async () => {
    const { stage, requests } = await stageOf(
      [
        { text: '', toolCalls: looking('README.md') },
        { text: '', toolCalls: looking('/workspace/src/deep/a.ts') },
        { text: '', toolCalls: looking('./src/b.ts') },
      ],
      {
        'AGENTS.md': 'root',
        'src/AGENTS.md': 'of src',
        'src/deep/AGENTS.md': 'of deep',
        'lib/AGENTS.md': 'no',
      },
    );
    await stage.run();
    const rules = (folder: string, text: string): string =>
      `[The repository has rules of its own for what is below ${folder} (${folder}/AGENTS.md):]\n\n${text}`;
    const both = [rules('src', 'of src'), rules('src/deep', 'of deep')];
    assert.deepEqual(
      requests.map((request) => told(request).slice(1)),
      [[], [], both, both],
    );
    assert.deepEqual(
      (await stage.events()).flatMap((event) => (event.type === 'rules.found' ? [event.path] : [])),
      ['src/AGENTS.md', 'src/deep/AGENTS.md'],
    );
  });

  it('tells what a call used that came to nothing, whether it is made again or not', async () => {
    let calls = 0;
    const usage = { outputTokens: 8192, costMicros: 500 };
    const stage = await openStage({
      ...{ prompt: 'Do it', tools: [look], window: 100_000, maxModelCalls: 20, files: {} },
      async callModel() {
        calls += 1;
        throw new PaidFailure(calls === 1 ? brokenOff() : refused(), usage);
      },
    });
    const end = await stage.run();
    assert.equal(end.kind === 'failed' && end.failure.code, 'model_refused');
    const events = await stage.events();
    assert.deepEqual(
      events.flatMap((event) =>
        event.type === 'model.spent' ? [[event.attempt, event.model, event.usage]] : [],
      ),
      [
        [1, 'fake/large', usage],
        [2, 'fake/large', usage],
      ],
    );
    assert.deepEqual(usageOf(events, TURN), { outputTokens: 16_384, costMicros: 1000 });
    assert.deepEqual(
      entriesOf(events, TURN).map(({ messageId, role, costMicros }) => [messageId, role, costMicros]),
      [
        [`${TURN}:m1:spent:1`, 'lead', 500],
        [`${TURN}:m1:spent:2`, 'lead', 500],
      ],
    );
  });
});
