import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { type ModelMessage, streamText, type ToolSet, tool, zodSchema } from 'ai';
import type { Usage } from '../protocol/agent-events.ts';
import { brokenOff } from './model-errors.ts';
import type { Tool } from './tools/tool.ts';

/** How to reach the model. */
export interface ModelSettings {
  /** Of an OpenAI-compatible API, up to and including its version: `https://host/v1`. */
  baseUrl: string;
  apiKey?: string;
  model: string;
}

/** A tool call that the model asked for. Whether it can be run is the caller's to find out. */
export interface RequestedCall {
  name: string;
  /** An object; arguments that were none come as `{ malformed }`, so that the transcript stays one that providers take. */
  input: object;
}

export interface ModelAnswer {
  text: string;
  toolCalls: RequestedCall[];
  usage: Usage;
}

export interface ModelRequest {
  instructions: string;
  messages: ModelMessage[];
  tools: readonly Tool[];
  signal: AbortSignal;
  onText: (text: string) => void;
}

/** One call of a model. */
export type CallModel = (settings: ModelSettings, request: ModelRequest) => Promise<ModelAnswer>;

/**
 * The one door to every model. Streams one answer; runs no tool and tries nothing twice, because both are journaled by
 * the caller. Throws what the provider did (see `classify`), or `model_cut_off` where the answer did not come to its end.
 */
export const callModel: CallModel = async (settings, { instructions, messages, tools, signal, onText }) => {
  const provider = createOpenAICompatible({
    name: 'model',
    baseURL: settings.baseUrl,
    includeUsage: true,
    ...(settings.apiKey ? { apiKey: settings.apiKey } : {}),
  });
  const result = streamText({
    model: provider.chatModel(settings.model),
    instructions,
    messages,
    tools: toolSet(tools),
    maxRetries: 0,
    abortSignal: signal,
    // Failures arrive as parts of the stream; the default handler prints them, request included.
    onError: () => {},
  });

  const answer: ModelAnswer = { text: '', toolCalls: [], usage: {} };
  let hasEnded = false;
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') {
      answer.text += part.text;
      onText(part.text);
    } else if (part.type === 'tool-call') {
      answer.toolCalls.push({ name: part.toolName, input: objectOf(part.input) });
    } else if (part.type === 'error') {
      throw part.error;
    } else if (part.type === 'finish') {
      hasEnded = part.rawFinishReason !== undefined;
      const { inputTokens, outputTokens, inputTokenDetails } = part.totalUsage;
      answer.usage = {
        ...(inputTokens === undefined ? {} : { inputTokens }),
        ...(outputTokens === undefined ? {} : { outputTokens }),
        ...(inputTokenDetails.cacheReadTokens === undefined
          ? {}
          : { cachedInputTokens: inputTokenDetails.cacheReadTokens }),
      };
    }
  }
  signal.throwIfAborted();
  if (!hasEnded) throw brokenOff();
  return answer;
};

/** Made once for each list of tools: to say their shapes as JSON Schema takes longer than all else of a call (1.5 ms). */
const toolSets = new WeakMap<readonly Tool[], ToolSet>();

/** Without `execute`: the SDK checks arguments, the loop runs the tools. */
function toolSet(tools: readonly Tool[]): ToolSet {
  const known = toolSets.get(tools);
  if (known) return known;
  const made: ToolSet = {};
  // `zodSchema` keeps what it has worked out; a bare zod schema is worked out again at each call.
  for (const { name, description, input } of tools) {
    made[name] = tool({ description, inputSchema: zodSchema<Record<string, unknown>>(input) });
  }
  toolSets.set(tools, made);
  return made;
}

function objectOf(input: unknown): object {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  return isObject ? input : { malformed: input };
}
