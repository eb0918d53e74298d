import { readFileSync } from 'node:fs';
import { scenario } from './scenario.ts';

/** The points in a file that a relay wrote (see server/engine/kill-points.ts), in the order in which it came to them. */
export function pointsIn(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '));
}

/**
 * Points that time decides about: whether output and text come in one piece or two, and whether a turn that waits is seen to. All
 * others are come to in every run.
 */
export const isByChance = (point: string): boolean =>
  /:(text|output:\w+|waiting:\w+|continued)\b/.test(point);

/**
 * One point of each kind: of every step that is alike, of its tools that only look, and of captures, the first. Only behind what
 * lasts, because the moment before it is the moment behind what came before; so without the bounds of steps, too.
 */
export function representatives(points: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const point of points) {
    if (point.startsWith('step ') || point.endsWith(': before')) continue;
    const kind = kindOf(point);
    if (!first.has(kind)) first.set(kind, point);
  }
  return [...first.values()];
}

function kindOf(point: string): string {
  return point
    .replace(/turn(\d):m(\d+)c(\d+)/g, (_, turn, answer, call) =>
      toolOf(Number(turn), Number(answer), Number(call)),
    )
    .replace(/:m\d+c\d+/g, ':look')
    .replace(/turn\d/g, 'turn')
    .replace(/:m\d+/g, ':m')
    .replace(/:(capture|proposal):(last:)?\d+/g, ':$1');
}

const LOOKING = new Set(['read', 'grep', 'glob', 'todo']);

/** Answers of the turns before each turn: its own are counted from 1 again. */
const ANSWERS_BEFORE = [0, 12, 13];

function toolOf(turn: number, answer: number, call: number): string {
  const step = scenario.at(-1)?.steps[(ANSWERS_BEFORE[turn - 1] ?? 0) + answer - 1];
  const name = typeof step === 'object' && 'toolCalls' in step ? step.toolCalls?.[call]?.name : undefined;
  if (name === undefined) throw new Error(`the scenario has no call m${answer}c${call} in turn ${turn}`);
  return LOOKING.has(name) ? 'look' : name;
}
