import { AppError } from '../errors.ts';
import type { FileLine } from './export-file.ts';

const MIB = 2 ** 20;

/** What a task's file may hold. A small one, unpacked, may be anything: these bound the memory and the rows that it can take. */
export const LIMITS = {
  /** Bytes, compressed. */
  file: 2 ** 30,
  /** Bytes of the first line: it has the uncommitted files that the task began with. */
  taskLine: 64 * MIB,
  /** Bytes of any other line. */
  line: 4 * MIB,
  /** Bytes of all lines without those that follow, of what models were shown, and of the pack's. */
  record: 128 * MIB,
  media: 64 * MIB,
  pack: 2048 * MIB,
  events: 100_000,
  turns: 2000,
  messages: 10_000,
  /** An event's number: it has to leave room in the column for those that follow. */
  seq: 2 ** 30,
} as const;

/** Bytes that line `number` (from 1) may have. */
export const longestLine = (number: number): number => (number === 1 ? LIMITS.taskLine : LIMITS.line);

/** Counts the lines of one file. `add` tells what there is too much of, as the end of a sentence, once there is. */
export function createTally(): { add(kind: FileLine['line'], bytes: number): string | undefined } {
  let number = 0;
  const bytes = { record: 0, media: 0, pack: 0 };
  const lines = { event: 0, turn: 0, message: 0 };
  return {
    add(kind, size) {
      number += 1;
      bytes[kind === 'pack' || kind === 'media' ? kind : 'record'] += size;
      if (kind === 'event' || kind === 'turn' || kind === 'message') lines[kind] += 1;
      if (size > longestLine(number))
        return `one line of it, about a task’s ${kind}, has more than ${longestLine(number)} bytes`;
      if (bytes.record > LIMITS.record) return `its record has more than ${LIMITS.record} bytes`;
      if (bytes.media > LIMITS.media)
        return `what models were shown in it has more than ${LIMITS.media} bytes`;
      if (bytes.pack > LIMITS.pack) return `its repository has more than ${LIMITS.pack} bytes`;
      if (lines.event > LIMITS.events) return `it has more than ${LIMITS.events} events`;
      if (lines.turn > LIMITS.turns) return `it has more than ${LIMITS.turns} turns`;
      return lines.message > LIMITS.messages ? `it has more than ${LIMITS.messages} messages` : undefined;
    },
  };
}

/** @param why as `Tally.add` tells it */
export const tooLargeToCarry = (why: string): AppError =>
  new AppError('too_large', `The task is too large to be carried as a file: ${why}.`, {
    nextAction: 'Go on with it where it is, or publish its work and start a new task elsewhere.',
  });
