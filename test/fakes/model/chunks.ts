import { randomBytes } from 'node:crypto';
import type { ChatRequest } from './request.ts';
import type { Reply } from './script.ts';

const DEFAULT_CHUNK = 24;

/** Where every answer differs from every other, as at a provider: asking again gives new ids. */
const newId = (prefix: string) => `${prefix}${randomBytes(12).toString('base64url')}`;

interface WireCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

const wireCalls = (reply: Reply): WireCall[] =>
  (reply.toolCalls ?? []).map((call) => ({
    id: newId('call_'),
    type: 'function',
    function: {
      name: call.name,
      arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
    },
  }));

const finishReason = (reply: Reply) => (reply.toolCalls?.length ? 'tool_calls' : 'stop');

/** Four characters a token, near enough; the same prompt prefix counts as cached from the second step on. */
function usageOf(request: ChatRequest, reply: Reply) {
  const tokens = (text: string) => Math.ceil(text.length / 4);
  const prompt = tokens(JSON.stringify(request.body));
  const completion = tokens((reply.text ?? '') + JSON.stringify(reply.toolCalls ?? ''));
  const cached = request.messages.some(({ role }) => role === 'assistant') ? Math.floor(prompt / 2) : 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

/** A reply as one `chat.completion`. */
export function completionOf(request: ChatRequest, reply: Reply): object {
  const calls = wireCalls(reply);
  return {
    id: newId('chatcmpl-'),
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: reply.text ?? null,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        },
        finish_reason: finishReason(reply),
      },
    ],
    usage: usageOf(request, reply),
  };
}

/** A reply as the pieces of a stream: role, text, each call's head and then its arguments, the reason, the usage. */
export function chunksOf(request: ChatRequest, reply: Reply): object[] {
  const head = {
    id: newId('chatcmpl-'),
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model: request.model,
  };
  const delta = (part: object, finish: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta: part, finish_reason: finish }],
  });
  const size = reply.chunkSize ?? DEFAULT_CHUNK;
  const calls = wireCalls(reply).flatMap((call, index) => [
    delta({ tool_calls: [{ ...call, index, function: { name: call.function.name, arguments: '' } }] }),
    ...pieces(call.function.arguments, size).map((piece) =>
      delta({ tool_calls: [{ index, function: { arguments: piece } }] }),
    ),
  ]);
  return [
    delta({ role: 'assistant', content: '' }),
    ...pieces(reply.text ?? '', size).map((content) => delta({ content })),
    ...calls,
    delta({}, finishReason(reply)),
    ...(request.includeUsage ? [{ ...head, choices: [], usage: usageOf(request, reply) }] : []),
  ];
}

/** Cuts by UTF-16 units but never through a surrogate pair: a piece is valid JSON text by itself. */
function pieces(text: string, size: number): string[] {
  const cut: string[] = [];
  let piece = '';
  for (const character of text) {
    piece += character;
    if (piece.length < size) continue;
    cut.push(piece);
    piece = '';
  }
  if (piece !== '') cut.push(piece);
  return cut;
}
