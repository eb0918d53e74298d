/**
 * How a turn takes its steps. A step's result is in the event log, keyed by the step, before anything follows from it; so a turn is
 * gone on with from the log, in whatever process, and the log is the journal. What is left to do here is to stop between steps.
 */
export interface Journal {
  /** Runs a step. Throws `HandedOver` instead where the relay is about to end; never returns once it is frozen. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Thrown between two steps of a turn that this relay is to give back. */
export class HandedOver extends Error {
  override readonly name = 'HandedOver';
}

/** What is between a turn and the end of its relay. */
export interface Closing {
  /** From now on no step begins. */
  draining: AbortSignal;
  /** From now on nothing that a step in flight comes to is acted upon: another process goes on. */
  frozen: AbortSignal;
}

/** @returns a journal, and word of when no step of it is in flight */
export function createJournal({ draining, frozen }: Closing): Journal & { settled(): Promise<void> } {
  const inFlight = new Set<Promise<unknown>>();
  const never = new Promise<never>(() => {});
  return {
    async step(_name, work) {
      if (frozen.aborted) return never;
      if (draining.aborted) throw new HandedOver();
      const step = work();
      inFlight.add(step);
      try {
        const result = await step;
        return frozen.aborted ? never : result;
      } finally {
        inFlight.delete(step);
      }
    },
    async settled() {
      while (inFlight.size > 0) await Promise.allSettled(inFlight);
    },
  };
}
