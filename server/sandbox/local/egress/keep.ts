import { createWatch } from '../watch.ts';
import type { Egress } from './client.ts';
import { needsEgress } from './policy.ts';

/** Milliseconds between two looks: how long a sandbox may be without its network after the process for it has died. */
const PACE = 10_000;
/** Milliseconds from a sandbox's being served to its running. */
const STARTING = 60_000;

/** An egress that needs not be asked twice, until it is closed. */
export interface KeptEgress extends Egress {
  close(): void;
}

/**
 * Sees to it that what was once served stays served for as long as the sandbox runs: the process outside may die while a command
 * is in the middle of a download.
 * @param options.runs whether a sandbox runs, by its id; one that does not is forgotten
 * @param options.log is told once when a sandbox's network is gone, and not at every look
 */
export function keepServing(
  egress: Egress,
  {
    runs,
    log,
    paceMs = PACE,
  }: { runs: (id: string) => boolean; log: (line: string) => void; paceMs?: number },
): KeptEgress {
  type Serving = Parameters<Egress['serve']>;
  const kept = new Map<string, { serving: Serving; since: number; isFailing: boolean }>();

  const serveAgain = async (id: string): Promise<void> => {
    const one = kept.get(id);
    if (one === undefined) return;
    if (!runs(id)) {
      if (performance.now() - one.since >= STARTING) kept.delete(id);
      return;
    }
    try {
      await egress.serve(...one.serving);
      one.isFailing = false;
    } catch (error) {
      if (!one.isFailing)
        log(`sandbox ${id} has lost its network: ${error instanceof Error ? error.message : ''}`);
      one.isFailing = true;
    }
  };
  const watch = createWatch(
    paceMs,
    async (signal) => {
      for (const id of [...kept.keys()]) if (!signal.aborted) await serveAgain(id);
      return kept.size > 0;
    },
    (error) => log(`looking after the network of sandboxes failed: ${String(error)}`),
  );

  return {
    async serve(...serving) {
      await egress.serve(...serving);
      const [place, policy] = serving;
      if (!needsEgress(policy)) return;
      kept.set(place.id, { serving, since: performance.now(), isFailing: false });
      watch.wake();
    },
    refusals: (place, host) => egress.refusals(place, host),
    close: () => watch.close(),
  };
}
