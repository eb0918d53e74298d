import assert from 'node:assert/strict';
import { APICallError, type ModelMessage } from 'ai';
import * as z from 'zod';
import type { ModelAnswer, ModelSettings, RequestedCall } from '../../../../server/agent/model.ts';
import { defineTool } from '../../../../server/agent/tools/tool.ts';
import { openStage, type StageSetting } from '../../../fakes/agent-stage.ts';

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ path: z.string(), chars: z.number() }),
  writes: false,
  run: async ({ path, chars }) => `${path} ${'x'.repeat(chars)}`,
});

const looking = (chars: number, path = 'f'): RequestedCall[] => [{ name: 'look', input: { path, chars } }];
const says = (text: string, toolCalls: RequestedCall[] = []): ModelAnswer => ({ text, toolCalls, usage: {} });

const refusal = (statusCode: number): APICallError =>
  new APICallError({
    ...{ message: 'no', url: 'http://model', requestBodyValues: {}, statusCode },
    responseBody: JSON.stringify({ error: { message: 'No.' } }),
  });

/** What one model was sent, in tokens as the relay estimates them. */
const tokensOf = (messages: readonly ModelMessage[]): number =>
  Math.ceil(JSON.stringify(messages).length / 4);

type Asked = { model: string; messages: ModelMessage[] };

/** A lead whose models answer by their name and by how many answers it had before. */
async function stageOf(
  setting: Partial<StageSetting>,
  answer: (model: string, answers: number) => ModelAnswer,
) {
  const asked: Asked[] = [];
  let answers = 0;
  const stage = await openStage({
    ...{ prompt: 'Do it', tools: [look], window: 10_000, maxModelCalls: 20 },
    async callModel({ model }: ModelSettings, { messages }) {
      if (model === 'small') return says('# Goal\nAll of it.');
      asked.push({ model, messages });
      const answered = answer(model, answers);
      answers += 1;
      return answered;
    },
    ...setting,
  });
  const cuts = async (): Promise<number> =>
    (await stage.events()).filter(({ type }) => type === 'context.cut').length;
  return { stage, asked, cuts };
}

describe('what is sent to each model of a role', () => {
  /** A model that refuses what has all of three results in it, with that status. @returns how it ended, requests, and cuts */
  async function refusedWith(status: number, chars: number) {
    const { stage, asked, cuts } = await stageOf({}, (_model, answers) => {
      if (answers < 3) return says('', looking(chars, `f${answers}`));
      if (tokensOf(asked.at(-1)?.messages ?? []) < (3 * chars) / 4) return says('Done.');
      throw refusal(status);
    });
    const end = await stage.run();
    return [end.kind === 'failed' ? end.failure.code : end.kind, asked.length, await cuts()];
  }

  it('is cut down for a refusal that may be about its length, and for no other', async () => {
    const most = 9000;
    assert.deepEqual(await refusedWith(413, most), ['completed', 5, 1]);
    assert.deepEqual(await refusedWith(400, most), ['completed', 5, 1]);
    assert.deepEqual(await refusedWith(400, 3000), ['model_rejected', 4, 0], 'short as it is');
    for (const status of [401, 403]) {
      assert.deepEqual(await refusedWith(status, most), ['model_unauthorized', 4, 0]);
    }
    for (const status of [402, 404, 405, 422]) {
      assert.deepEqual(await refusedWith(status, most), ['model_rejected', 4, 0]);
    }
  });

  it('is cut down once for a model that gives no reason, and again for one that says it is too long', async () => {
    const always = async (status: number) => {
      const { stage, asked, cuts } = await stageOf({ window: 20_000 }, (_model, answers) => {
        if (answers < 12) return says('', looking(4000, `f${answers}`));
        throw refusal(status);
      });
      const end = await stage.run();
      assert.equal(end.kind, 'failed');
      return [asked.length - 12, await cuts()];
    };
    assert.deepEqual(await always(400), [2, 1]);
    const [requests = 0, cuts = 0] = await always(413);
    assert.ok(cuts > 1 && requests > cuts, `${cuts} cuts, ${requests} requests`);
    assert.ok(requests < 10, 'it gives up where nothing more can be left out');
  });

  it('is cut down without a reason only where no other of the role answers', async () => {
    const models = [
      { model: 'first', ref: 'fake/first' },
      { model: 'second', ref: 'fake/second' },
    ];
    const refusing = async (second: number | undefined) => {
      const { stage, asked, cuts } = await stageOf({ models }, (model, answers) => {
        if (answers < 3) return says('', looking(9000, `f${answers}`));
        if (tokensOf(asked.at(-1)?.messages ?? []) < 6000) return says('Done.');
        if (model === 'first') throw refusal(400);
        if (second === undefined) return says('Done.');
        throw refusal(second);
      });
      const { kind } = await stage.run();
      return [kind, asked.slice(3).map(({ model }) => model), await cuts()];
    };
    assert.deepEqual(await refusing(undefined), ['completed', ['first', 'second'], 0]);
    assert.deepEqual(await refusing(404), ['completed', ['first', 'second', 'first'], 1]);
  });

  it('fits into its own window, also where that is smaller than that of the one before it', async () => {
    const models = [
      { model: 'wide', ref: 'fake/wide', window: 100_000 },
      { model: 'narrow', ref: 'fake/narrow', window: 8000 },
    ];
    const { stage, asked, cuts } = await stageOf({ models }, (model, answers) => {
      if (answers < 12) return says('', looking(4000, `f${answers}`));
      if (model === 'wide') throw refusal(503);
      return says('Done.');
    });
    assert.deepEqual(await stage.run(), { kind: 'completed', text: 'Done.' });
    const last = asked.slice(-2).map(({ model, messages }) => [model, tokensOf(messages) < 8000 * 0.8]);
    assert.deepEqual(last, [
      ['wide', false],
      ['narrow', true],
    ]);
    assert.equal(await cuts(), 1);
  });

  it('shows pictures to a model that takes them, whatever the others of its role do', async () => {
    const takes: boolean[] = [];
    const show = defineTool({
      ...look,
      name: 'show',
      async run(_input, { abilities, attach }) {
        takes.push(abilities.images);
        await attach('image/png', Buffer.from('picture'));
        return 'Shown.';
      },
    });
    const models = [
      { model: 'blind', ref: 'fake/blind' },
      { model: 'able', ref: 'fake/able', abilities: { images: true, pdf: false } },
    ];
    const showing = [{ name: 'show', input: { path: 'f', chars: 0 } }];
    const { stage, asked } = await stageOf({ tools: [show], models }, (model, answers) => {
      if (answers === 0) return says('', showing);
      if (model === 'blind') throw refusal(503);
      return answers === 1 ? says('', showing) : says('Done.');
    });
    assert.deepEqual(await stage.run(), { kind: 'completed', text: 'Done.' });
    const png = {
      type: 'file',
      mediaType: 'image/png',
      data: Buffer.from('picture').toString('base64'),
    };
    const hidden = { type: 'text', text: '[image/png: the model that is asked now cannot be shown this]' };
    const seen = asked.map(({ model, messages }) => [
      model,
      ...messages.flatMap(({ role, content }) =>
        role === 'user' && typeof content !== 'string' ? content.slice(1) : [],
      ),
    ]);
    assert.deepEqual(seen, [['blind'], ['blind', hidden], ['able', png], ['able', png, png]]);
    assert.deepEqual(takes, [false, true], 'tools are told of the one that is asked next');
  });
});
