import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { MessageAccepted } from '../protocol/commands.ts';
import { dismissals, isOpen } from './answers.ts';
import type { AskedQuestion, Message, TaskTransaction } from './task-store.ts';
import { beginTurn } from './turn-start.ts';

/**
 * Takes a message in, once however often it comes: it begins a turn, or is queued for the one that is active. Whoever calls this wakes
 * the dispatcher once the transaction is committed. Throws `conflict` for one that was taken back, and where the task is archived.
 */
export async function acceptMessage(
  tx: TaskTransaction,
  message: Message,
  at: number,
): Promise<MessageAccepted> {
  const { messageId } = message;
  if (tx.row.archived) throw archivedTask();
  const before = await tx.findMessage(messageId);
  if (before?.state === 'withdrawn') throw withdrawn();
  if (before && before.state !== 'queued')
    return { messageId, turnId: before.turnId, disposition: 'started' };
  const running = tx.row.activeTurn;
  const turnId = running ?? randomUUID();
  if (!before) await tx.addMessage(turnId, message);
  if (running === null) {
    // Also for a message that an ended turn left unread: sending it again is how a person asks for that.
    await beginTurn(tx, turnId, at);
    return { messageId, turnId, disposition: 'started' };
  }
  await tx.append(null, [{ key: `queued:${messageId}`, event: { type: 'message.queued', ...message } }]);
  if ((await tx.standing(turnId))?.state === 'parked') {
    const open = (await tx.questions(turnId)).filter(isOpen);
    await tx.append({ turnId }, dismissals(open, at));
    const last = open.at(-1);
    if (last) await goOn(tx, turnId, last);
  }
  return { messageId, turnId, disposition: 'queued' };
}

/** Lets a parked turn go on. @param last the question that was the last to be settled */
export async function goOn(tx: TaskTransaction, turnId: string, last: AskedQuestion): Promise<void> {
  await tx.continueTurn(turnId);
  await tx.append({ turnId }, [
    { key: `${last.question.questionId}:continued`, event: { type: 'turn.continued', turnId } },
  ]);
}

/** Nobody reads a message that was taken back, so nobody may think that it was taken in. */
export function withdrawn(): AppError {
  return new AppError('conflict', 'That message was taken back.', { nextAction: 'Send it as a new one.' });
}

function archivedTask(): AppError {
  return new AppError('conflict', 'The task is archived.', { nextAction: 'Start a new task.' });
}
