import { SandboxError } from '../sandbox.ts';

/** So many failed starts within so long (ms) stop further ones, until the first of them is that long ago. */
const FAILURES = 3;
const WINDOW_MS = 5 * 60_000;

/** Failures that say nothing about whether the next machine would start. */
const OF_ONE_MACHINE = new Set(['lost', 'not-found', 'cancelled', 'no-space', 'limit']);

/** Stops trying to start machines where that fails again and again: it costs money at a vendor, and time everywhere. */
export interface SpawnBreaker {
  /**
   * Runs `start` unless too many before it have failed. @param kind of machines: a provider's, of one image
   * @throws SandboxError `unavailable`, which says when it is tried again and how the last start failed
   */
  guard<T>(kind: string, start: () => Promise<T>): Promise<T>;
}

export function createSpawnBreaker(now: () => number): SpawnBreaker {
  const failures = new Map<string, Array<{ at: number; error: SandboxError }>>();

  return {
    async guard(kind, start) {
      const recent = (failures.get(kind) ?? []).filter(({ at }) => at > now() - WINDOW_MS);
      const [first] = recent;
      const last = recent.at(-1);
      if (recent.length >= FAILURES && first !== undefined && last !== undefined)
        throw open(kind, first.at + WINDOW_MS, last.error);
      try {
        const started = await start();
        failures.delete(kind);
        return started;
      } catch (error) {
        if (error instanceof SandboxError && !OF_ONE_MACHINE.has(error.code))
          failures.set(kind, [...recent, { at: now(), error }]);
        throw error;
      }
    },
  };
}

function open(kind: string, until: number, last: SandboxError): SandboxError {
  const time = new Date(until).toISOString().slice(11, 16);
  return new SandboxError(
    'unavailable',
    `${FAILURES} sandboxes in ${WINDOW_MS / 60_000} minutes could not be started (${kind}), so no more are tried until ${time} UTC. The last time: ${last.message}`,
    { cause: last, nextAction: last.nextAction ?? 'Mend that, then send a message to go on.' },
  );
}
