import type { Asking } from './asking.ts';
import { type RollBack, RolledBack } from './rollback.ts';

/** The calls of the relay's client that are about going back. */
export function rollbackCalls({ task, read }: Asking) {
  return {
    rollBack: (id: string, body: RollBack) =>
      read(RolledBack, task(id, '/rollback'), { method: 'POST', json: body, timeoutMs: 60_000 }),
  };
}
