import type { Database } from '../../engine/database.ts';
import type { SandboxRef } from '../sandbox.ts';
import type { MachineStore } from './machine-store.ts';

/** A machine was stopped because it went past what it may use: it sleeps, and its person is told why. */
export async function restAfterLimit(
  { database, store }: { database: Pick<Database, 'query'>; store: MachineStore },
  ref: SandboxRef,
  message: string,
): Promise<void> {
  const { rows } = await database.query<{ taskId: string }>(
    `SELECT task_id AS "taskId" FROM handoff.tasks WHERE sandbox ->> 'id' = $1 AND sandbox ->> 'provider' = $2`,
    [ref.id, ref.provider],
  );
  const taskId = rows[0]?.taskId;
  const machine = taskId === undefined ? undefined : await store.get(taskId);
  if (taskId === undefined || machine?.state !== 'running') return;
  const noted = { type: 'environment.noted', text: message } as const;
  await store.change(taskId, machine, { state: 'hibernated' }, [
    { key: `limit:${machine.step}`, event: noted },
  ]);
}
