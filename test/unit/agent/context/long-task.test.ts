import assert from 'node:assert/strict';
import type { ModelMessage } from 'ai';
import * as z from 'zod';
import { SUMMARY_INSTRUCTIONS } from '../../../../server/agent/context/summary-text.ts';
import type { CallModel, ModelAnswer, ModelRequest } from '../../../../server/agent/model.ts';
import { todo } from '../../../../server/agent/tools/todo.ts';
import { defineTool } from '../../../../server/agent/tools/tool.ts';
import { createTranscript } from '../../../../server/agent/transcript.ts';
import type { Usage } from '../../../../server/protocol/agent-events.ts';
import { openStage } from '../../../fakes/agent-stage.ts';

const PROMPT = 'Go through every file, and keep to what I say here: never touch the file LICENSE.';
const STEERING = 'And leave out the folder vendor, please.';
const RULES = 'In src, names are written in full.';

/** A model's own measure, which is not the relay's: it takes 3.1 UTF-16 units for a token. */
const tokensOf = (value: unknown): number => Math.ceil(JSON.stringify(value).length / 3.1);

/** Calls and results that have no counterpart right beside them: a provider refuses a request that has any. */
function orphans(messages: readonly ModelMessage[]): string[] {
  const wrong: string[] = [];
  let open: string[] = [];
  for (const { role, content } of messages) {
    if (role === 'tool') {
      const answered = content.map((part) => (part.type === 'tool-result' ? part.toolCallId : ''));
      if (answered.join() !== open.join()) wrong.push(...answered, ...open);
      open = [];
      continue;
    }
    wrong.push(...open);
    open =
      role === 'assistant' && typeof content !== 'string'
        ? content.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []))
        : [];
  }
  return [...wrong, ...open];
}

/** Runs so many steps, each of which reads texts of that length, and looks at every request that is sent. */
async function simulate(setting: { steps: number; window: number; resultChars: number }) {
  const { steps, window, resultChars } = setting;
  const spent: Usage = {};
  const seen = { most: 0, orphans: 0, unpinned: 0, requests: 0, summaries: 0, read: 0 };

  const look = defineTool({
    name: 'look',
    description: 'Looks at a file.',
    input: z.object({ path: z.string() }),
    writes: false,
    async run({ path }) {
      seen.read += resultChars;
      return `${path} ${'x'.repeat(resultChars)}`;
    },
  });
  const stage = await openStage({
    prompt: PROMPT,
    tools: [look, todo],
    window,
    maxModelCalls: steps + 1,
    files: { 'src/AGENTS.md': RULES },
    callModel: (settings, request) => (settings.model === 'small' ? summary(request) : answer(request)),
  });

  function billed(request: ModelRequest, said: Omit<ModelAnswer, 'usage'>): ModelAnswer {
    const { instructions, messages, standing } = request;
    const usage = {
      inputTokens: tokensOf({ instructions, messages, standing }),
      outputTokens: tokensOf(said),
      costMicros: 7,
    };
    for (const key of ['inputTokens', 'outputTokens', 'costMicros'] as const)
      spent[key] = (spent[key] ?? 0) + usage[key];
    return { ...said, usage };
  }

  async function summary(request: ModelRequest): ReturnType<CallModel> {
    assert.equal(request.instructions, SUMMARY_INSTRUCTIONS);
    seen.summaries += 1;
    // Some fail, some write nothing: the agent goes on all the same.
    if (seen.summaries % 5 === 0) throw new Error('the small model is out of order');
    if (seen.summaries % 3 === 0) return billed(request, { text: '', toolCalls: [] });
    return billed(request, { text: `# Goal\nAll files. Summary ${seen.summaries}.`, toolCalls: [] });
  }

  async function answer(request: ModelRequest): ReturnType<CallModel> {
    const { messages, standing = '' } = request;
    seen.requests += 1;
    const k = seen.requests;
    seen.most = Math.max(seen.most, tokensOf(messages));
    seen.orphans += orphans(messages).length;
    const said = messages.flatMap(({ role, content }) => (role === 'user' ? [String(content)] : []));
    const pins = [PROMPT, ...(k > 3 ? [RULES] : []), ...(k > steps / 2 ? [STEERING] : [])];
    const isPlanned = k < 3 || standing.includes('[>] Go through every file');
    const hasPins = pins.every((pin) => said.some((content) => content.includes(pin)));
    if (!hasPins || !isPlanned) seen.unpinned += 1;
    if (k === 1) {
      const items = [{ text: 'Go through every file', status: 'in_progress' }];
      return billed(request, { text: '', toolCalls: [{ name: 'todo', input: { items } }] });
    }
    if (k > steps) return billed(request, { text: 'All is done.', toolCalls: [] });
    if (k === Math.floor(steps / 2)) stage.say(STEERING);
    const paths = k % 2 === 0 ? [`src/${k}.ts`] : [`src/${k}a.ts`, `src/${k}b.ts`];
    const toolCalls = paths.map((path) => ({ name: 'look', input: { path } }));
    return billed(request, { text: `Step ${k}.`, toolCalls });
  }

  const end = await stage.run();
  await stage.end();
  const events = await stage.events();
  const fromLog = createTranscript();
  fromLog.addAll(events);
  const ended = events.at(-1);
  return {
    ...{ end, seen, spent, events },
    told: ended?.type === 'turn.ended' ? ended.usage : undefined,
    live: stage.transcript().messages(),
    fromLog: fromLog.messages(),
  };
}

describe('a long task', function () {
  this.timeout(60_000);

  it('of 500 steps keeps what is pinned, stays within its window and accounts for every token', async () => {
    const window = 32_000;
    const { end, seen, spent, told, live, fromLog, events } = await simulate({
      ...{ steps: 500, window, resultChars: 3000 },
    });
    assert.deepEqual(end, { kind: 'completed', text: 'All is done.' });
    assert.deepEqual([seen.requests, seen.orphans, seen.unpinned], [501, 0, 0]);
    assert.ok(seen.most <= window, `the largest request had ${seen.most} tokens`);
    assert.deepEqual(told, spent, 'the turn’s usage is the sum of all calls, summaries included');
    assert.deepEqual(live, fromLog, 'the conversation is the same from the log');
    const cuts = events.filter(({ type }) => type === 'context.cut').length;
    assert.ok(cuts >= 5 && cuts <= 100, `${cuts} cuts`);
    assert.ok(seen.summaries > 0);
  });

  it('of 1,000,000 tokens is sent in requests that fit into a window of 128,000', async () => {
    const window = 128_000;
    const { end, seen, spent, told, live, fromLog } = await simulate({
      ...{ steps: 160, window, resultChars: 14_000 },
    });
    assert.deepEqual(end, { kind: 'completed', text: 'All is done.' });
    assert.ok(seen.read / 3.1 >= 1_000_000, `${Math.round(seen.read / 3.1)} tokens were read`);
    assert.deepEqual([seen.requests, seen.orphans, seen.unpinned], [161, 0, 0]);
    assert.ok(seen.most <= window, `the largest request had ${seen.most} tokens`);
    assert.deepEqual(told, spent);
    assert.deepEqual(live, fromLog);
  });
});
