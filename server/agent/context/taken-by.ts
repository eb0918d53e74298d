import type { ModelMessage } from 'ai';
import type { ModelChoice } from '../../models/choice.ts';

/**
 * A conversation as the very model takes it that is asked: files that another of its role can be shown are words for this one, which
 * would refuse the whole request.
 */
export function takenBy(
  { abilities }: Pick<ModelChoice, 'abilities'>,
  messages: ModelMessage[],
): ModelMessage[] {
  if (abilities.images && abilities.pdf) return messages;
  return messages.map((message) => {
    if (message.role !== 'user' || typeof message.content === 'string') return message;
    const content = message.content.map((part) => {
      if (part.type !== 'file') return part;
      const { mediaType } = part;
      const isTaken = mediaType === 'application/pdf' ? abilities.pdf : abilities.images;
      return isTaken
        ? part
        : { type: 'text' as const, text: `[${mediaType}: the model that is asked now cannot be shown this]` };
    });
    return { ...message, content };
  });
}
