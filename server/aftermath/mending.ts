import { isMendingMessage, mendingMessageId } from '../protocol/aftermath.ts';
import type { CheckConfig } from '../protocol/repository-config.ts';
import type { Check, TaskState, Turn } from '../protocol/task.ts';
import { acceptMessage } from '../tasks/accept-message.ts';
import type { HoldTask } from '../tasks/task-hold.ts';
import { mendMessage } from './mend-message.ts';
import type { EndedTurn } from './store.ts';

/**
 * Tells the agent of checks that failed on what it left, by a turn that nobody had to ask for. Once: what such a turn leaves is the
 * person's to look at. Not where the task has gone on, and not of checks that the repository does not want it for.
 * @returns whether the agent was told, so that its turn's end is what the person is told of
 */
export type Mend = (turn: EndedTurn, checks: readonly CheckConfig[]) => Promise<boolean>;

const isTold = (turn: Turn): boolean =>
  turn.items.some((item) => item.kind === 'user' && isMendingMessage(item.messageId));

export function createMend({ hold, now }: { hold: HoldTask; now: () => number }): Mend {
  return ({ taskId, turnId }, checks) =>
    hold(taskId, async ({ state, activeTurn, archived, append, written, tx }) => {
      const messageId = mendingMessageId(turnId);
      const key = `fix:${messageId}`;
      if ((await written([key])).size > 0) return true;
      if (archived || activeTurn !== null || state.isWorkspacePast) return false;
      const failed = toMend(state, turnId, checks);
      if (failed.length === 0) return false;
      const names = failed.map(({ name }) => name);
      await append([
        {
          key,
          event: { type: 'fix.requested', messageId, checks: names, isAutomatic: true, turnId },
        },
      ]);
      await acceptMessage(tx, { messageId, text: mendMessage(failed), selection: [] }, now());
      return true;
    });
}

/** What failed of the checks of the task's last turn, as far as the agent is to be told. */
export function toMend(state: TaskState, turnId: string, checks: readonly CheckConfig[]): Check[] {
  const turn = state.turns.at(-1);
  if (turn?.turnId !== turnId || turn.outcome !== 'completed' || isTold(turn)) return [];
  // Who asked for a plan wants nothing changed before it is approved.
  if (turn.mode === 'plan') return [];
  // A plan that an older version made says nothing of it.
  const unwanted = new Set(checks.filter(({ fix = true }) => !fix).map(({ name }) => name));
  return (turn.checks ?? []).filter(({ name, outcome }) => outcome === 'failed' && !unwanted.has(name));
}
