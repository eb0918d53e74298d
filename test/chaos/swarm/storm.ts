import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from './member.ts';
import type { Swarm } from './swarm.ts';

/** What was met while relays died. */
export interface Storm {
  kills: number;
  /** Milliseconds from a relay's death to the next event of each task that it worked on, of whatever relay. */
  takeovers: number[];
}

const LOOK_MS = 50;

/**
 * Kills one relay of `victims` after the other, every `everyMs`, for `forMs`; each is started again once its turns were taken over.
 * Meanwhile `sleeper` is stopped, for `sleepMs`, and wakes up as one that was taken for dead.
 */
export async function raise(
  swarm: Swarm,
  plan: { victims: Member[]; everyMs: number; forMs: number; sleeper: Member; sleepMs: number },
): Promise<Storm> {
  const storm: Storm = { kills: 0, takeovers: [] };
  const end = Date.now() + plan.forMs;
  plan.sleeper.pause();
  const woken = delay(plan.sleepMs).then(plan.sleeper.resume);
  for (let turn = 0; Date.now() < end; turn++) {
    const victim = plan.victims[turn % plan.victims.length];
    if (!victim) break;
    const next = Date.now() + plan.everyMs;
    storm.takeovers.push(...(await killAndWatch(swarm, victim)));
    storm.kills += 1;
    await victim.start();
    await delay(Math.max(0, next - Date.now()));
  }
  await woken;
  return storm;
}

async function killAndWatch({ query }: Swarm, victim: Member): Promise<number[]> {
  const relayId = await victim.id();
  const at = await victim.kill();
  const left = await query<{ taskId: string }>(
    `SELECT task_id AS "taskId" FROM handoff.turns WHERE relay = $1 AND state = 'running'`,
    [relayId],
  );
  return Promise.all(
    left.map(async ({ taskId }) => {
      for (;;) {
        const [next] = await query<{ at: string | null }>(
          `SELECT min(at) AS at FROM handoff.events WHERE task_id = $1 AND at > $2 AND type <> 'turn.waiting'`,
          [taskId, at],
        );
        if (next?.at) return Number(next.at) - at;
        await delay(LOOK_MS);
      }
    }),
  );
}
