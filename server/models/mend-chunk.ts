/** A piece of an answer as a provider sent it, parsed. */
export type Chunk = Record<string, unknown>;

/** What a provider says went wrong in the middle of its answer. */
export interface ChunkError {
  message: string;
  code: string | number | null;
}

/**
 * What "OpenAI-compatible" providers send that is not quite so, made into what the client reads: each repair is of something that was
 * met, and is held by a fixture. What is right comes back as it was.
 */
export function mendChunk(chunk: Chunk): Chunk {
  const error = errorOf(chunk);
  if (error) return { error: { ...error, type: null, param: null } };
  const { usage } = chunk;
  return {
    ...chunk,
    // Pieces that tell of usage or of nothing have none, or null.
    choices: Array.isArray(chunk['choices']) ? chunk['choices'].filter(isRecord).map(mendChoice) : [],
    ...(usage === undefined ? {} : { usage: mendUsage(usage) }),
  };
}

/** As `{error: {…}}`, as `{error: "…"}`, or as `{object: "error", message}`, beside all that a chunk has otherwise. */
function errorOf(chunk: Chunk): ChunkError | undefined {
  const { error } = chunk;
  const said = isRecord(error) ? error : chunk['object'] === 'error' ? chunk : undefined;
  if (said === undefined) return typeof error === 'string' ? { message: error, code: null } : undefined;
  const { message, code, status, type } = said;
  return {
    message: typeof message === 'string' ? message : '',
    code: firstOf([code, status, type]) ?? null,
  };
}

const firstOf = (values: unknown[]): string | number | undefined =>
  values.find((value) => typeof value === 'string' || typeof value === 'number');

function mendChoice(choice: Chunk): Chunk {
  const { delta, message, finish_reason: reason } = choice;
  // A provider that does not stream sends the whole message in one piece.
  const said = isRecord(delta) ? delta : isRecord(message) ? message : undefined;
  return {
    // Sent with every piece, it would take back the real one.
    finish_reason: typeof reason === 'string' && reason !== '' ? reason : null,
    ...(said === undefined ? {} : { delta: mendDelta(said) }),
  };
}

function mendDelta(delta: Chunk): Chunk {
  const { content, refusal, reasoning_content: thought, reasoning, function_call: legacy } = delta;
  const calls = Array.isArray(delta['tool_calls']) ? delta['tool_calls'] : [];
  const all = isRecord(legacy) ? [...calls, { index: 0, function: legacy }] : calls;
  return {
    ...(typeof content === 'string' || Array.isArray(content) ? { content } : {}),
    ...(typeof refusal === 'string' ? { refusal } : {}),
    ...(typeof thought === 'string' ? { reasoning_content: thought } : {}),
    ...(typeof reasoning === 'string' ? { reasoning } : {}),
    ...(all.length === 0 ? {} : { tool_calls: all.filter(isRecord).map(mendCall) }),
  };
}

function mendCall(call: Chunk): Chunk {
  const { id, index } = call;
  const asked = isRecord(call['function']) ? call['function'] : {};
  const { name, arguments: input } = asked;
  return {
    ...(typeof index === 'number' ? { index } : {}),
    ...(typeof id === 'string' && id !== '' ? { id } : {}),
    function: {
      ...(typeof name === 'string' && name !== '' ? { name } : {}),
      ...(input === undefined || input === null
        ? {}
        : { arguments: typeof input === 'string' ? input : JSON.stringify(input) }),
    },
    ...(isRecord(call['extra_content']) ? { extra_content: call['extra_content'] } : {}),
  };
}

/** Figures may come as text, and be missing. */
function mendUsage(usage: unknown): Chunk | null {
  if (!isRecord(usage)) return null;
  const details = usage['prompt_tokens_details'];
  // DeepSeek and Anthropic-like gateways name the cached part in their own way.
  const cached =
    countOf(isRecord(details) ? details['cached_tokens'] : undefined) ??
    countOf(usage['prompt_cache_hit_tokens']) ??
    countOf(usage['cache_read_input_tokens']);
  return {
    prompt_tokens: countOf(usage['prompt_tokens']) ?? countOf(usage['input_tokens']) ?? null,
    completion_tokens: countOf(usage['completion_tokens']) ?? countOf(usage['output_tokens']) ?? null,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
  };
}

function countOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined;
  const count = Math.round(Number(value));
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
