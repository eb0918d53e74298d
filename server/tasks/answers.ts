import { AppError } from '../errors.ts';
import type { Answer } from '../protocol/commands.ts';
import type { KeyedEvent } from './event-log.ts';
import type { AskedQuestion } from './task-store.ts';

/** What answering a question appends: the answer, and the result of the call that asked, as the model reads it. */
export function answerEvents({ question, at }: AskedQuestion, answer: Answer, now: number): KeyedEvent[] {
  const { turnId, questionId, about } = question;
  const answered: KeyedEvent = {
    key: `${questionId}:answered`,
    event: { type: 'question.answered', turnId, questionId, answer },
  };
  // No call of the agent's asked it.
  if (about === 'spend') return [answered];
  const approved: KeyedEvent[] =
    about === 'plan' && answer.kind === 'choice'
      ? [{ key: `${questionId}:mode`, event: { type: 'mode.changed', turnId, mode: 'act' } }]
      : [];
  return [
    answered,
    ...approved,
    {
      key: `${questionId}:finished`,
      event: {
        type: 'tool.finished',
        turnId,
        callId: questionId,
        name: about === 'plan' ? 'propose_plan' : 'ask_user',
        output: about === 'plan' ? planAnswerText(answer) : answerText(answer),
        isError: false,
        durationMs: now - at,
      },
    },
  ];
}

/** What a message instead of an answer appends. */
export const dismissals = (open: readonly AskedQuestion[], now: number): KeyedEvent[] =>
  open.flatMap((asked) => answerEvents(asked, { kind: 'dismissed' }, now));

export const isOpen = ({ answer }: AskedQuestion): boolean => answer === null;

function answerText(answer: Answer): string {
  if (answer.kind === 'choice') return `The person chose: ${answer.label}`;
  if (answer.kind === 'text') return `The person answered: ${answer.text}`;
  return '[The person did not answer this question; they wrote a message instead.]';
}

function planAnswerText(answer: Answer): string {
  if (answer.kind === 'choice') return 'The person approved the plan. Carry it out: plan mode is over.';
  if (answer.kind === 'text')
    return `The person wants the plan changed, and has not approved it. They say: ${answer.text}\nPropose it again.`;
  return '[The person has not approved the plan; they wrote a message instead.]';
}

/** @throws {AppError} `bad_request` where the answer is none that was asked for */
export function assertFits({ question }: AskedQuestion, answer: Answer): void {
  if (answer.kind === 'text' && !question.freeText) {
    throw new AppError('bad_request', 'The question allows no answer in free words.', {
      nextAction: 'Choose one of its options.',
    });
  }
  if (answer.kind === 'choice' && !question.options.some(({ label }) => label === answer.label)) {
    throw new AppError('bad_request', 'The question has no such option.', {
      nextAction: 'Choose one of its options, by its label.',
    });
  }
  if (answer.kind === 'dismissed') {
    throw new AppError(
      'bad_request',
      'A question is dismissed by sending a message, or by stopping the turn.',
      {
        nextAction: 'Send a message instead, or answer.',
      },
    );
  }
}
