import { type RelayClient, RelayError } from '../protocol/client.ts';
import type { Question } from '../protocol/commands.ts';
import type { TaskEvent } from '../protocol/events.ts';
import type { AskOptions } from './ask.ts';
import { CliError } from './command.ts';
import { printable } from './progress.ts';
import { answerHint, answerText, questionText, readAnswer } from './question.ts';

export interface DeskDeps {
  client: Pick<RelayClient, 'answer'>;
  taskId: string;
  err: (text: string) => void;
  /** Reads a line from the person; absent where nobody can be asked here. */
  ask: ((question: string, options: AskOptions) => Promise<string | undefined>) | undefined;
}

export interface QuestionDesk {
  /** Sees every event of the task. */
  see(event: TaskEvent): void;
  /** Takes back what is asked. */
  close(): void;
}

/**
 * Puts the agent's questions to the person at this terminal, one after the other, and tells the relay what was answered.
 * A question that is answered elsewhere meanwhile is taken back. Where nobody can be asked it says how to answer.
 */
export function createQuestionDesk({ client, taskId, err, ask }: DeskDeps): QuestionDesk {
  const open = new Map<string, AbortController>();
  let last: Promise<void> = Promise.resolve();

  async function put(question: Question, { signal }: AbortController): Promise<void> {
    if (ask === undefined || signal.aborted) return;
    err(questionText(question));
    while (!signal.aborted) {
      const typed = await ask(`${answerHint(question)}> `, { signal, interrupts: true });
      if (signal.aborted) return;
      if (typed === undefined) return err(howToAnswer(taskId));
      try {
        await client.answer(taskId, {
          questionId: question.questionId,
          answer: readAnswer(question, typed),
        });
        return;
      } catch (error) {
        if (error instanceof RelayError && error.code === 'question_closed') return;
        err(sentence(error));
      }
    }
  }

  function see(event: TaskEvent): void {
    if (event.type === 'question.asked') {
      const taken = new AbortController();
      open.set(event.questionId, taken);
      if (ask === undefined) err(`${questionText(event)}${howToAnswer(taskId)}`);
      else last = last.then(() => put(event, taken));
    } else if (event.type === 'question.answered') {
      const taken = open.get(event.questionId);
      taken?.abort();
      if (taken && ask) err(`  answered: ${printable(answerText(event.answer))}\n`);
    }
  }

  return {
    see,
    close: () => {
      for (const taken of open.values()) taken.abort();
    },
  };
}

function howToAnswer(taskId: string): string {
  return `The task waits for an answer: give it in VS Code, or with npm start -- tasks answer ${taskId} "<answer>"\n`;
}

function sentence(error: unknown): string {
  if (!(error instanceof CliError || error instanceof RelayError)) return `handoff: ${String(error)}\n`;
  return `handoff: ${[error.message, error.nextAction].filter(Boolean).join(' ')}\n`;
}
