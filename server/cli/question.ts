import type { Answer, Question } from '../protocol/commands.ts';
import type { TaskState } from '../protocol/task.ts';
import { CliError } from './command.ts';
import { printable } from './progress.ts';

/** The question as a person reads it in a terminal: its options are numbered from 1. */
export function questionText({ question, options }: Question): string {
  const lines = options.map(
    ({ label, description }, index) =>
      `  ${index + 1}. ${label}${description === undefined ? '' : `: ${description}`}\n`,
  );
  return printable(`? ${question}\n${lines.join('')}`);
}

/** What may be answered, in a few words. */
export function answerHint({ options, freeText }: Question): string {
  if (options.length === 0) return 'Your answer';
  const numbers = options.length === 1 ? '1' : `1-${options.length}`;
  return freeText ? `${numbers}, or your own words` : numbers;
}

/**
 * A number is the option of that number, an option's own words are that option, and everything else is free text.
 * @throws {CliError} where it is none of what the question allows
 */
export function readAnswer(question: Question, typed: string): Answer {
  const text = typed.trim();
  const { options, freeText } = question;
  const numbered = /^\d+$/.test(text) ? options[Number(text) - 1] : undefined;
  const named =
    options.find(({ label }) => label === text) ??
    options.find(({ label }) => label.toLowerCase() === text.toLowerCase());
  const option = numbered ?? named;
  if (option !== undefined) return { kind: 'choice', label: option.label };
  if (freeText && text !== '') return { kind: 'text', text };
  throw new CliError(
    text === '' ? 'An answer must not be empty.' : `"${printable(text)}" is none of the answers.`,
    `Answer with ${answerHint(question)}:\n${questionText(question).trimEnd()}`,
  );
}

/** The oldest question of the task that nobody has answered. */
export function openQuestion({ turns }: TaskState): Question | undefined {
  for (const item of turns.at(-1)?.items ?? []) {
    if (item.kind !== 'question' || item.answer !== undefined) continue;
    const { questionId, question, options, freeText } = item;
    return { questionId, question, options, freeText };
  }
  return undefined;
}

export function answerText(answer: Answer): string {
  if (answer.kind === 'dismissed') return '(no answer)';
  return answer.kind === 'choice' ? answer.label : answer.text;
}
