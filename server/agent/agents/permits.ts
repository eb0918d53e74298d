import type { Claim } from '../../engine/claims.ts';
import type { AgentKind } from '../../protocol/agents.ts';
import { AGENT_LIMITS } from './limits.ts';

/** How many of an agent's children may work at once: those that look, or those that write. */
export function atOnce(kind: AgentKind, depth: number): number {
  if (kind === 'executor') return AGENT_LIMITS.writersAtOnce;
  return depth > 1 ? AGENT_LIMITS.readersAtOnceBelow : AGENT_LIMITS.readersAtOnce;
}

interface Queue {
  taken: number;
  waiting: Set<() => void>;
}

/** What runs in this relay, by the claim that it runs under: another claim of the same turn begins anew. */
const queues = new WeakMap<Claim, Map<string, Queue>>();

/**
 * Waits until fewer than `most` hold a place of that name, first come, first served. Rejects with the signal's reason where that aborts before.
 * @returns gives the place back
 */
export async function takePlace(
  claim: Claim,
  name: string,
  most: number,
  signal: AbortSignal,
): Promise<() => void> {
  const named = queues.get(claim) ?? new Map<string, Queue>();
  queues.set(claim, named);
  const queue = named.get(name) ?? { taken: 0, waiting: new Set() };
  named.set(name, queue);
  signal.throwIfAborted();
  if (queue.taken >= most) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      queue.waiting.delete(resolve);
      reject(signal.reason);
    };
    queue.waiting.add(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal.removeEventListener('abort', onAbort);
  } else queue.taken += 1;
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    const [next] = queue.waiting;
    if (next === undefined) queue.taken -= 1;
    else {
      // The place goes to whoever waits longest.
      queue.waiting.delete(next);
      next();
    }
  };
}
