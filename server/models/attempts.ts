import type { ModelHealth } from './health.ts';
import { FIRST_DELAY_MS, LONGEST_DELAY_MS, MAX_ROUNDS, RETRY_DEADLINE_MS } from './limits.ts';

/** What became of asking a model, as far as it matters to whom is asked next. */
export interface Failed {
  retryable: boolean;
  /** What the provider asked for, in milliseconds. */
  retryAfterMs?: number;
  /** Whether it would fail for others' calls as well: it is out of service, and not this call. */
  isOutage: boolean;
}

/** Whom to ask, and when, until there is an answer to one model call. */
export interface Attempts<Choice extends { ref: string }> {
  /** Of those that there are now, which may change from one attempt to the next; undefined where none is left. */
  pick(choices: readonly Choice[]): Choice | undefined;
  /** What to do after a failure: ask `next` in `delayMs`, or (undefined) nothing, for asking is of no use any more. */
  failed(
    choice: Choice,
    how: Failed,
    choices: readonly Choice[],
  ): { delayMs: number; next: Choice } | undefined;
}

/**
 * Through the models in their order, at once from one to the next; then, after a pause that grows, once more. What will not pass by
 * itself is not asked again.
 */
export function createAttempts<Choice extends { ref: string }>(
  health: ModelHealth,
  now: () => number,
  random: () => number,
): Attempts<Choice> {
  const deadline = now() + RETRY_DEADLINE_MS;
  const dropped = new Set<string>();
  const asked = new Set<string>();
  /** Not to be asked before, by the provider's own wish. */
  const due = new Map<string, number>();
  let round = 1;

  const left = (choices: readonly Choice[]): Choice[] =>
    health.inOrder(choices).filter(({ ref }) => !dropped.has(ref));
  const isDue = ({ ref }: Choice): boolean => (due.get(ref) ?? 0) <= now();
  const pick = (choices: readonly Choice[]): Choice | undefined => {
    const open = left(choices).filter(({ ref }) => !asked.has(ref));
    return open.find(isDue) ?? open[0];
  };

  return {
    pick,
    failed(choice, { retryable, retryAfterMs, isOutage }, choices) {
      const { ref } = choice;
      if (isOutage) health.rest(ref, retryAfterMs);
      if (retryable) asked.add(ref);
      else dropped.add(ref);
      if (retryAfterMs !== undefined) due.set(ref, now() + retryAfterMs);
      else due.delete(ref);
      const others = left(choices).filter((other) => !asked.has(other.ref));
      const [other] = others.filter(isDue);
      if (other) return { delayMs: 0, next: other };

      const open = left(choices);
      if (open.length === 0 || round >= MAX_ROUNDS) return undefined;
      const pause = now() + backoff(round, random());
      round += 1;
      asked.clear();
      // Not before a pause in any case: what asks to be asked at once would use up all rounds in no time.
      const when = (known: Choice): number => Math.max(pause, due.get(known.ref) ?? 0);
      const next = open.reduce((best, known) => (when(known) < when(best) ? known : best));
      return when(next) > deadline ? undefined : { delayMs: when(next) - now(), next };
    },
  };
}

/** Exponential, capped, with full jitter on its upper half. */
function backoff(round: number, random: number): number {
  const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (round - 1));
  return most / 2 + (most / 2) * random;
}
