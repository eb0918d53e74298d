import { deliveredEvent } from './delivered.ts';
import type { TaskTransaction } from './task-store.ts';

/** Puts a turn into the queue that begins with what nobody has read yet; a relay claims it once that is committed. */
export async function beginTurn(tx: TaskTransaction, turnId: string, at: number): Promise<void> {
  await tx.startTurn(turnId, at);
  // Its first model call has these messages, also when it is repeated.
  const messages = await tx.takeUndelivered(`${turnId}:m1`);
  await tx.append({ turnId }, [
    { key: `${turnId}:started`, event: { type: 'turn.started', turnId } },
    ...messages.map((message) => ({
      key: `message:${message.messageId}`,
      event: deliveredEvent(turnId, message),
    })),
  ]);
}
