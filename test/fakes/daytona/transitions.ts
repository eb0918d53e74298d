import { randomBytes } from 'node:crypto';
import type { SandboxState } from '@daytonaio/sdk';
import type { SandboxRecord } from './records.ts';

/** What a sandbox may be on its way to. */
export type Passage = 'create' | 'start' | 'stop' | 'archive' | 'delete' | 'snapshot';

/** Passages take no time of their own; a test holds one to see what happens meanwhile. */
export interface Transitions {
  /** Holds every passage of that kind until what it returns is called. */
  hold(passage: Passage): () => void;
  /**
   * Takes a sandbox through `via` to what `work` makes of it. Resolves once it is on its way, and, unless it is held, there.
   */
  pass(
    record: SandboxRecord,
    passage: Passage,
    via: SandboxState,
    work: () => Promise<SandboxState>,
  ): Promise<void>;
  /** Resolves once nothing is on its way. */
  settled(): Promise<void>;
}

export function createTransitions(): Transitions {
  const held = new Map<Passage, Promise<void>>();
  const underWay = new Set<Promise<void>>();

  return {
    hold(passage) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(passage, promise);
      return () => {
        held.delete(passage);
        resolve();
      };
    },

    async pass({ dto }, passage, via, work) {
      dto.state = via;
      const gate = held.get(passage);
      const passing = (gate ?? Promise.resolve()).then(async () => {
        // It was deleted, or failed, meanwhile.
        if (dto.state !== via) return;
        const arrived = await work();
        if (dto.state === via) dto.state = arrived;
      });
      underWay.add(passing);
      const over = passing.finally(() => underWay.delete(passing));
      if (gate === undefined) await over;
      else over.catch(() => {});
    },

    settled: async () => {
      await Promise.allSettled([...underWay]);
    },
  };
}

export const newToken = (): string => randomBytes(16).toString('hex');
