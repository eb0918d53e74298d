import * as z from 'zod';

/** `GET /v1/tasks/{id}/turns/{turnId}/aftermath` answers */
export const Aftermath = z.object({
  /** Whether all is done that follows the turn's end: its checks have run, and where they failed the agent was told, by another turn. */
  isOver: z.boolean(),
});
export type Aftermath = z.infer<typeof Aftermath>;

const MENDS = 'checks:';

/** The message that tells the agent of failed checks names the turn that they are of. It fits what clients may choose, so it is as any other. */
export const mendingMessageId = (turnId: string): string => `${MENDS}${turnId}`;
export const isMendingMessage = (messageId: string): boolean => messageId.startsWith(MENDS);
