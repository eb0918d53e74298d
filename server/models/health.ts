import { LONGEST_REST_MS, REST_MS } from './limits.ts';

/** What this relay has lately seen of its models: which of them are out of service for now. */
export interface ModelHealth {
  /** It failed: asked last for a while. @param forMs how long the provider wishes not to be asked */
  rest(ref: string, forMs?: number): void;
  /** It answered. */
  well(ref: string): void;
  /** Those that rest behind all others, and among them the one first that has rested longest; else as they were. */
  inOrder<Choice extends { ref: string }>(choices: readonly Choice[]): Choice[];
}

export function createModelHealth(now: () => number): ModelHealth {
  const resting = new Map<string, number>();
  const until = (ref: string): number => {
    const end = resting.get(ref) ?? 0;
    if (end <= now()) resting.delete(ref);
    return end <= now() ? 0 : end;
  };
  return {
    rest: (ref, forMs = REST_MS) => void resting.set(ref, now() + Math.min(forMs, LONGEST_REST_MS)),
    well: (ref) => void resting.delete(ref),
    inOrder: (choices) => choices.toSorted((a, b) => until(a.ref) - until(b.ref)),
  };
}
