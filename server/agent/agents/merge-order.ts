/** Who works side by side, and whose work is brought together before whose. */
export interface MergeOrder {
  /** An agent begins, or goes on. */
  join(agentId: string, group: string): void;
  /** Nobody waits for it any more. */
  leave(agentId: string): void;
  /** Resolves once those of its group whose calls came before its own have left, or the signal aborts. */
  untilNext(agentId: string, signal: AbortSignal): Promise<void>;
}

interface Member {
  group: string;
  left: PromiseWithResolvers<void>;
}

/** By the order of calls, and not by who is done first: what is in whose way is then the same whenever it is tried. */
export function createMergeOrder(): MergeOrder {
  const members = new Map<string, Member>();
  return {
    join(agentId, group) {
      if (members.get(agentId)?.group === group) return;
      members.get(agentId)?.left.resolve();
      members.set(agentId, { group, left: Promise.withResolvers() });
    },
    leave(agentId) {
      members.get(agentId)?.left.resolve();
      members.delete(agentId);
    },
    async untilNext(agentId, signal) {
      const group = members.get(agentId)?.group;
      if (group === undefined) return;
      const before = [...members].filter(
        ([id, member]) => member.group === group && compareCalls(id, agentId) < 0,
      );
      const aborted = Promise.withResolvers<void>();
      const give = (): void => aborted.resolve();
      signal.addEventListener('abort', give);
      if (signal.aborted) give();
      await Promise.race([Promise.all(before.map(([, { left }]) => left.promise)), aborted.promise]);
      signal.removeEventListener('abort', give);
    },
  };
}

/** `turnId:m3c2` comes before `turnId:m3c10`. */
export const compareCalls = (a: string, b: string): number =>
  a.localeCompare(b, 'en', { numeric: true, sensitivity: 'base' });
