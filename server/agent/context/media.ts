import type { ModelMessage } from 'ai';
import type { TurnContext } from '../turn-context.ts';
import type { Call } from './entries.ts';

/** Stands for the bytes of what is kept under a key, until they are needed. */
const KEPT = 'kept:';

/** What a call showed the model, as a message: providers take text only as the result of a call. */
export function mediaMessage({ callId, name, media }: Call): ModelMessage {
  return {
    role: 'user',
    content: [
      { type: 'text', text: `[What ${name} showed you for the call ${callId}:]` },
      ...media.map(({ key, mediaType }) => ({ type: 'file' as const, data: `${KEPT}${key}`, mediaType })),
    ],
  };
}

/** Puts the bytes into a conversation that is about to be sent, as base64. Loads each once. */
export interface MediaLoader {
  loaded(messages: ModelMessage[]): Promise<ModelMessage[]>;
}

export function createMediaLoader(turn: TurnContext): MediaLoader {
  const known = new Map<string, Promise<string | undefined>>();
  const load = (key: string): Promise<string | undefined> => {
    const text = known.get(key) ?? bytesOf(turn, key);
    known.set(key, text);
    return text;
  };
  return {
    async loaded(messages) {
      if (!messages.some(hasKept)) return messages;
      return Promise.all(messages.map(filled));
    },
  };

  async function filled(message: ModelMessage): Promise<ModelMessage> {
    if (message.role !== 'user' || typeof message.content === 'string') return message;
    const content = await Promise.all(
      message.content.map(async (part) => {
        const key = keptKey(part);
        if (key === undefined || part.type !== 'file') return part;
        const data = await load(key);
        if (data === undefined) return { type: 'text' as const, text: `[${part.mediaType}: ${NOT_KEPT}]` };
        return { ...part, data };
      }),
    );
    return { ...message, content };
  }
}

/** Of a task that came from another relay, for one. */
const NOT_KEPT = 'not kept any more; read the file again if you need it';

const hasKept = (message: ModelMessage): boolean =>
  message.role === 'user' && typeof message.content !== 'string' && message.content.some(keptKey);

function keptKey(part: { type: string; data?: unknown }): string | undefined {
  const { type, data } = part;
  return type === 'file' && typeof data === 'string' && data.startsWith(KEPT)
    ? data.slice(KEPT.length)
    : undefined;
}

class NothingKept extends Error {
  override readonly name = 'NothingKept';
}

/** Nothing is put in place of what is gone: a memo that is asked for is written only where there is something to write. */
async function bytesOf({ store, taskId }: TurnContext, key: string): Promise<string | undefined> {
  try {
    return await store.memo<string>(taskId, key, () => Promise.reject(new NothingKept()));
  } catch (error) {
    if (error instanceof NothingKept) return undefined;
    throw error;
  }
}
