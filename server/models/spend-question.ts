import type { Question } from '../protocol/commands.ts';
import type { CapName } from './spend.ts';

export const GO_ON = 'Go on';
export const STOP_HERE = 'Stop here';

/** Why a call is held, in millionths of a US dollar. */
export interface Held {
  cap: CapName;
  limitMicros: number;
  usedMicros: number;
  neededMicros: number;
}

/** What of that the person may know. */
export type Told = Pick<Held, 'cap' | 'neededMicros'> & Partial<Held>;

const WHOSE: Record<CapName, string> = {
  turn: 'this turn',
  task: 'this task',
  user: 'your tasks in a day',
  day: 'this relay in a day',
};

const FOR: Record<CapName, string> = {
  turn: 'this turn',
  task: 'this task',
  user: 'this turn',
  day: 'this turn',
};

/**
 * What the person is asked before a call that could go past a cap.
 * @param raiseMicros what their consent adds to the cap; 0 where it is not theirs to raise
 */
export function spendQuestion(held: Told, raiseMicros: number): Omit<Question, 'questionId'> {
  const { cap, limitMicros, usedMicros, neededMicros } = held;
  const left =
    limitMicros === undefined || usedMicros === undefined
      ? 'That is more than is left of what all tasks of this relay may cost in a day.'
      : `Of the ${dollars(limitMicros)} that ${WHOSE[cap]} may cost, ${dollars(usedMicros)} are used or reserved.`;
  return {
    question: `The next model call could cost up to ${dollars(neededMicros)}. ${left} How is it to go on?`,
    options: [
      {
        label: GO_ON,
        description:
          raiseMicros > 0
            ? `Another ${dollars(raiseMicros)} may be spent for ${FOR[cap]}.`
            : 'Only once there is room again: the cap is the relay’s owner’s to raise, and counts from midnight (UTC).',
      },
      { label: STOP_HERE, description: 'The turn ends. What was done is kept.' },
    ],
    freeText: false,
  };
}

/** What a person's consent adds: as much again as the settings allow, and at least what the held call needs. */
export const raiseFor = (cap: number, { limitMicros, usedMicros, neededMicros }: Held): number =>
  Math.max(cap, usedMicros + neededMicros - limitMicros);

/** In cents, and finer where it is less than one; rounded up, as what is asked for is a most, unless it is a least. */
export function dollars(micros: number, round: (units: number) => number = Math.ceil): string {
  const digits = micros > 0 && micros < 10_000 ? 6 : 2;
  const unit = 10 ** (6 - digits);
  return `$${((round(micros / unit) * unit) / 1_000_000).toFixed(digits)}`;
}
