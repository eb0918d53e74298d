import { isRecord } from './mend-chunk.ts';

/** The mark of providers that cache what they are told to, and nothing else. */
const MARK = { cache_control: { type: 'ephemeral' } };

/** Says of a last message that the next call has another in its place. It is taken off here. */
export const STANDING = { standing: true };

/**
 * Marks the end of what is the same in every call of an agent (tools and instructions), and the end of the conversation, which begins
 * the next call's. Marks stand on parts, for providers pass over them on messages.
 */
export function withCacheMarkers(body: Record<string, unknown>): Record<string, unknown> {
  const { messages } = body;
  if (!Array.isArray(messages)) return body;
  const standing: unknown = messages.at(-1);
  const isStanding = isRecord(standing) && 'standing' in standing;
  const last = messages.length - (isStanding ? 2 : 1);
  return {
    ...body,
    messages: messages.map((message: unknown, index) =>
      index === 0 || index === last ? marked(message) : index > last ? unnamed(message) : message,
    ),
  };
}

function unnamed(message: unknown): unknown {
  if (!isRecord(message)) return message;
  const { standing: _known, ...rest } = message;
  return rest;
}

function marked(message: unknown): unknown {
  if (!isRecord(message)) return message;
  const { content } = message;
  if (typeof content === 'string' && content !== '') {
    return { ...message, content: [{ type: 'text', text: content, ...MARK }] };
  }
  if (!Array.isArray(content) || content.length === 0) return message;
  const parts: unknown[] = content;
  const end = parts.at(-1);
  return { ...message, content: [...parts.slice(0, -1), isRecord(end) ? { ...end, ...MARK } : end] };
}
