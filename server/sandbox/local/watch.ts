import { setTimeout as sleep } from 'node:timers/promises';

/** Looking takes at most this part of the time. */
const SHARE = 0.02;
/** But a pause is never longer than so many of the shortest: what makes looking take long could be what has to be seen. */
const LONGEST_PAUSE = 30;

export interface Watch {
  /** There is something to look at, perhaps for the first time. */
  wake(): void;
  close(): void;
}

/**
 * Looks again and again, as long as there is something to look at: not more often than `paceMs`, and less often where looking takes
 * long, but after thirty times that at the latest. It keeps no process alive.
 * @param look false where there was nothing; its failures are told to `onFailure`, and it is asked again
 */
export function createWatch(
  paceMs: number,
  look: (signal: AbortSignal) => Promise<boolean>,
  onFailure: (error: unknown) => void,
): Watch {
  const closing = new AbortController();
  const { signal } = closing;
  let isWatching = false;
  let wakes = 0;
  const watch = async (): Promise<void> => {
    for (let took = 0; ; ) {
      const pause = Math.min(took * (1 / SHARE - 1), paceMs * LONGEST_PAUSE);
      await sleep(Math.max(paceMs, pause), undefined, { ref: false, signal });
      const began = performance.now();
      const before = wakes;
      const isNeeded = await look(signal).catch((error: unknown) => {
        if (!signal.aborted) onFailure(error);
        return true;
      });
      if (!isNeeded && wakes === before) return;
      took = performance.now() - began;
    }
  };
  return {
    wake() {
      wakes += 1;
      if (isWatching || signal.aborted) return;
      isWatching = true;
      // It throws only when it is closed.
      watch().then(
        () => (isWatching = false),
        () => {},
      );
    },
    close: () => closing.abort(),
  };
}
