import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type {
  AnswerAccepted,
  AnswerQuestion,
  MessageAccepted,
  SendMessage,
  StopAnswer,
} from '../protocol/commands.ts';
import { acceptMessage, goOn, withdrawn } from './accept-message.ts';
import { answerEvents, assertFits, isOpen } from './answers.ts';
import type { KnownMessage, TaskStore, TaskTransaction } from './task-store.ts';

/** What a person says to a running or halted agent. Each is done once however often it is asked. */
export interface ConversationService {
  /** Starts a turn, or is read by the running one before its next model call: first in, first out. */
  send(taskId: string, command: SendMessage): Promise<MessageAccepted>;
  /** Changes a message that was not read yet. Throws `already_delivered` for one that was. */
  edit(taskId: string, messageId: string, text: string): Promise<void>;
  /** Takes a message back that was not read yet. Throws `already_delivered` for one that was. */
  withdraw(taskId: string, messageId: string): Promise<void>;
  /** Answers what the agent asked; its turn goes on when nothing else is open. Throws `question_closed`, `bad_request`. */
  answer(taskId: string, command: AnswerQuestion): Promise<AnswerAccepted>;
  /** Asks the running turn to stop; one that nobody runs is ended at once. */
  stop(taskId: string): Promise<StopAnswer>;
}

export function createConversationService(deps: {
  store: TaskStore;
  /** Says that there is a turn to claim. */
  wake: () => void;
  /** Called once a turn has ended. */
  onEnded: (turn: { taskId: string; turnId: string }) => void;
  now: () => number;
}): ConversationService {
  const { store, wake, onEnded, now } = deps;

  /** The message of that id, which the agent must not have read. */
  async function unread(tx: TaskTransaction, messageId: string): Promise<KnownMessage> {
    const message = await tx.findMessage(messageId);
    if (!message) {
      throw new AppError('not_found', 'There is no such message.', { nextAction: 'Refresh the task.' });
    }
    if (message.state === 'delivered') {
      throw new AppError('already_delivered', 'The agent has read that message already.', {
        nextAction: 'Send another message to correct it.',
      });
    }
    return message;
  }

  return {
    async send(taskId, { clientId, text, selection = [], mode }) {
      const message = { messageId: clientId, text: text.trim(), selection, ...(mode ? { mode } : {}) };
      const accepted = await store.locked(taskId, (tx) => acceptMessage(tx, message, now()));
      wake();
      return accepted;
    },

    edit: (taskId, messageId, text) =>
      store.locked(taskId, async (tx) => {
        const message = await unread(tx, messageId);
        if (message.state === 'withdrawn') throw withdrawn();
        if (message.text === text) return;
        await tx.editMessage(messageId, text);
        await tx.append(null, [
          { key: `edited:${randomUUID()}`, event: { type: 'message.edited', messageId, text } },
        ]);
      }),

    withdraw: (taskId, messageId) =>
      store.locked(taskId, async (tx) => {
        if ((await unread(tx, messageId)).state === 'withdrawn') return;
        await tx.removeMessage(messageId);
        await tx.append(null, [
          { key: `withdrawn:${messageId}`, event: { type: 'message.withdrawn', messageId } },
        ]);
      }),

    async answer(taskId, { questionId, answer }) {
      const turnId = await store.locked(taskId, async (tx) => {
        const active = tx.row.activeTurn;
        const asked = active === null ? [] : await tx.questions(active);
        const question = asked.find((known) => known.question.questionId === questionId);
        if (active === null || !question) throw closed('That question is not open: its turn has ended.');
        if (question.answer !== null) {
          if (isSame(question.answer, answer)) return active;
          throw closed('That question was answered already.');
        }
        assertFits(question, answer);
        await tx.append({ turnId: active }, answerEvents(question, answer, now()));
        const isLast = !asked.some((known) => known !== question && isOpen(known));
        if (isLast && (await tx.standing(active))?.state === 'parked') await goOn(tx, active, question);
        return active;
      });
      wake();
      return { questionId, turnId };
    },

    async stop(taskId) {
      let isOver = false;
      const answer = await store.locked(taskId, async (tx): Promise<StopAnswer> => {
        isOver = false;
        const turnId = tx.row.activeTurn;
        if (turnId === null) return { stopped: false };
        await tx.requestStop(turnId);
        await tx.append({ turnId }, [
          { key: `${turnId}:stopping`, event: { type: 'turn.stopping', turnId } },
        ]);
        if ((await tx.standing(turnId))?.state !== 'running') {
          // Nobody runs it, and nobody needs to: nothing of it is in flight.
          await tx.append({ turnId }, [
            {
              key: `${turnId}:ended`,
              event: { type: 'turn.ended', turnId, outcome: 'stopped', usage: {} },
            },
          ]);
          await tx.endTurn(turnId);
          isOver = true;
        }
        return { stopped: true, turnId };
      });
      if (isOver && answer.turnId !== undefined) onEnded({ taskId, turnId: answer.turnId });
      return answer;
    },
  };
}

/** An answer as it was stored has been through JSON. */
const isSame = (known: object, given: object): boolean =>
  Object.entries(given).every(([key, value]) => Reflect.get(known, key) === value);

function closed(message: string): AppError {
  return new AppError('question_closed', message, { nextAction: 'Send a message to say more.' });
}
