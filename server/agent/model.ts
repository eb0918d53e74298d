import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { asSchema, type ModelMessage, zodSchema } from 'ai';
import { STANDING, withCacheMarkers } from '../models/cache-markers.ts';
import type { Price } from '../models/choice.ts';
import { MOST_CLIENTS, STALL_MS } from '../models/limits.ts';
import { mendingFetch } from '../models/mend-response.ts';
import { costMicros, tokensAtMost } from '../models/price.ts';
import { withoutThoughts } from '../models/think-tags.ts';
import type { Usage } from '../protocol/agent-events.ts';
import { leanSchema } from './lean-schema.ts';
import { brokenOff, PaidFailure, ProviderFault, refused } from './model-errors.ts';
import { type CallOptions, promptOf } from './model-prompt.ts';
import type { Tool } from './tools/tool.ts';

/** How to reach the model. */
export interface ModelSettings {
  /** Of an OpenAI-compatible API, up to and including its version: `https://host/v1`. */
  baseUrl: string;
  apiKey?: string;
  model: string;
  /** Tokens of an answer at most; the provider's own limit where absent. */
  maxOutput?: number;
  /** Whether requests carry marks that say what is worth caching. */
  cacheMarkers?: boolean;
  /** How long (ms) nothing may come from the provider. */
  stallMs?: number;
  /** What `usage.costMicros` is worked out from. */
  price?: Price | undefined;
}

/** A tool call that the model asked for. Whether it can be run is the caller's to find out. */
export interface RequestedCall {
  name: string;
  /**
   * An object; arguments that were none come as `{ malformed }`, so that the transcript stays one that providers take, with `isCut` where
   * the answer came to its limit in them.
   */
  input: object;
}

export interface ModelAnswer {
  text: string;
  toolCalls: RequestedCall[];
  usage: Usage;
  /** Its end is missing: it came to the most that the model may say at once. */
  isCut?: true;
}

export interface ModelRequest {
  instructions: string;
  messages: ModelMessage[];
  /** The last message, which is another in each call: what is worth caching ends before it. */
  standing?: string;
  tools: readonly Tool[];
  signal: AbortSignal;
  onText: (text: string) => void;
}

/** One call of a model. */
export type CallModel = (settings: ModelSettings, request: ModelRequest) => Promise<ModelAnswer>;

/**
 * The one door to every model. Streams one answer; runs no tool and tries nothing twice, because both are journaled by
 * the caller. Throws what the provider did (see `classify`), or `model_cut_off` where the answer did not come to its end:
 * with what was used (`usedBy`) where that is known.
 *
 * The provider's own stream is read, and not `streamText`'s: that takes twice as long a call, and three times as long for many pieces.
 */
export const callModel: CallModel = async (settings, request) => {
  const { instructions, messages, standing, tools, signal, onText } = request;
  const { stream } = await clientOf(settings).doStream({
    prompt: promptOf(instructions, [...messages, ...standingMessage(standing, settings.cacheMarkers)]),
    tools: await toolsOf(tools),
    toolChoice: { type: 'auto' },
    abortSignal: signal,
    ...(settings.maxOutput === undefined ? {} : { maxOutputTokens: settings.maxOutput }),
  });

  const answer: ModelAnswer = { text: '', toolCalls: [], usage: {} };
  const said = withoutThoughts();
  const say = (text: string): void => {
    if (text === '') return;
    answer.text += text;
    onText(text);
  };
  let reason: string | undefined;
  let hasThought = false;
  let isRefused = false;
  for await (const part of stream) {
    if (part.type === 'text-delta') say(said.push(part.delta));
    else if (part.type === 'reasoning-delta') hasThought = true;
    else if (part.type === 'tool-call') {
      answer.toolCalls.push({ name: part.toolName, input: inputOf(part.input) });
    } else if (part.type === 'error') throw faultOf(part.error);
    else if (part.type === 'finish') {
      reason = part.finishReason.raw;
      isRefused = part.finishReason.unified === 'content-filter';
      answer.usage = usageOf(part.usage);
    }
  }
  signal.throwIfAborted();
  const hasEnded = reason !== undefined && reason !== 'error';
  if (hasEnded && !isRefused) say(said.close());
  const { usage } = answer;
  if (settings.price && (hasEnded || Object.keys(usage).length > 0)) {
    // A provider that tells nothing is taken at what was sent and came, so that nothing goes uncounted.
    const otherwise = {
      input: usage.inputTokens ?? tokensAtMost([instructions, messages, standing], Infinity),
      output: usage.outputTokens ?? tokensAtMost([answer.text, answer.toolCalls], Infinity),
    };
    usage.costMicros = costMicros(settings.price, usage, otherwise);
  }
  if (isRefused) throw new PaidFailure(refused(), usage);
  const isEmpty = answer.text === '' && answer.toolCalls.length === 0;
  const isAnnounced = (reason === 'tool_calls' || reason === 'function_call') && !hasThought;
  // Where it came to its limit, all that it may say went into thinking: asked once more, it may think less.
  if (!hasEnded || (isEmpty && (reason === 'length' || isAnnounced)))
    throw new PaidFailure(brokenOff(), usage);
  if (reason === 'length') {
    answer.isCut = true;
    for (const call of answer.toolCalls)
      if ('malformed' in call.input) call.input = { ...call.input, isCut: true };
  }
  return answer;
};

/** Told apart from the conversation where it matters, which no provider hears of. */
const standingMessage = (content: string | undefined, isTold = false): ModelMessage[] =>
  content === undefined
    ? []
    : [{ role: 'user', content, ...(isTold ? { providerOptions: { openaiCompatible: STANDING } } : {}) }];

type Client = ReturnType<ReturnType<typeof createOpenAICompatible>['chatModel']>;

/** Kept, with their connections and what they have worked out (1 ms a call), for as long as the settings name them. */
const clients = new Map<string, Client>();

function clientOf(settings: ModelSettings): Client {
  const { baseUrl, apiKey, model, cacheMarkers = false, stallMs = STALL_MS } = settings;
  const key = JSON.stringify([baseUrl, apiKey, model, cacheMarkers, stallMs]);
  const known = clients.get(key);
  if (known) return known;
  const made = createOpenAICompatible({
    name: 'model',
    baseURL: baseUrl,
    includeUsage: true,
    fetch: mendingFetch(stallMs),
    ...(apiKey ? { apiKey } : {}),
    ...(cacheMarkers ? { transformRequestBody: withCacheMarkers } : {}),
  }).chatModel(model);
  // Those that the settings named once: the oldest goes.
  const [oldest] = clients.keys();
  if (clients.size >= MOST_CLIENTS && oldest !== undefined) clients.delete(oldest);
  clients.set(key, made);
  return made;
}

type WireTools = NonNullable<CallOptions['tools']>;

/** As they are sent. Made once for each list of tools: to say their shapes as JSON Schema takes longer than all else of a call (1.5 ms). */
const wireTools = new WeakMap<readonly Tool[], Promise<WireTools>>();

export function toolsOf(tools: readonly Tool[]): Promise<WireTools> {
  const known = wireTools.get(tools);
  if (known) return known;
  const made = Promise.all(
    tools.map(async ({ name, description, input, inputJson }) => ({
      type: 'function' as const,
      name,
      description,
      inputSchema: inputJson ?? leanSchema(await asSchema(zodSchema(input)).jsonSchema),
    })),
  );
  wireTools.set(tools, made);
  return made;
}

/** Arguments as providers give them: JSON of an object, nothing at all, or JSON of such JSON. */
function inputOf(text: string): object {
  if (text.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    const input: unknown = typeof parsed === 'string' ? JSON.parse(parsed) : parsed;
    return typeof input === 'object' && input !== null && !Array.isArray(input) ? input : { malformed: text };
  } catch {
    return { malformed: text };
  }
}

interface WireUsage {
  inputTokens: { total: number | undefined; cacheRead: number | undefined };
  outputTokens: { total: number | undefined };
  raw?: object | undefined;
}

/** What was not told is absent, and not 0. */
function usageOf({ inputTokens, outputTokens, raw = {} }: WireUsage): Usage {
  const told = (key: string): boolean => typeof Reflect.get(raw, key) === 'number';
  const { total: input, cacheRead } = inputTokens;
  return {
    ...(input === undefined || !told('prompt_tokens') ? {} : { inputTokens: input }),
    ...(outputTokens.total === undefined || !told('completion_tokens')
      ? {}
      : { outputTokens: outputTokens.total }),
    ...(cacheRead === undefined || !('prompt_tokens_details' in raw) ? {} : { cachedInputTokens: cacheRead }),
  };
}

/** What a provider says went wrong, when it is in the middle of its answer; anything else as it was thrown. */
function faultOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || error instanceof Error) return error;
  const message: unknown = Reflect.get(error, 'message');
  const code: unknown = Reflect.get(error, 'code');
  return new ProviderFault(typeof message === 'string' ? message : '', code);
}
