import type { AgentCard, AgentStopAnswer } from '../protocol/agents.ts';
import type { Item } from '../protocol/task.ts';
import { goOn } from './accept-message.ts';
import { dismissals, isOpen } from './answers.ts';
import type { TaskStates } from './task-states.ts';
import type { TaskStore, TaskTransaction } from './task-store.ts';

/** What a person says about one subagent of a turn. */
export interface AgentService {
  /**
   * Asks a subagent to stop, and with it those that work for it; the one that it works for goes on. Holds whoever runs the turn, now or
   * later. False where there is nothing to stop any more.
   */
  stop(taskId: string, agentId: string): Promise<AgentStopAnswer>;
}

export function createAgentService(deps: {
  store: Pick<TaskStore, 'locked'>;
  states: TaskStates;
  /** Says that there is a turn to claim. */
  wake: () => void;
  now: () => number;
}): AgentService {
  const { store, states, wake, now } = deps;
  return {
    async stop(taskId, agentId) {
      // Read before the transaction: it would ask for a second connection while it holds one. Ends that come in between change nothing.
      const turn = (await states.current(taskId)).turns.at(-1);
      const card = turn && cardIn(turn.items, agentId);
      if (turn === undefined || card === undefined || card.outcome !== undefined) return { stopped: false };
      const { turnId } = turn;
      const answer = await store.locked(taskId, async (tx) => {
        if (tx.row.activeTurn !== turnId) return { stopped: false };
        await tx.requestAgentStop(turnId, agentId, now());
        await tx.append({ turnId }, [
          { key: `${agentId}:stopping`, event: { type: 'agent.stopping', turnId, agentId } },
        ]);
        await goOnWithout(tx, turnId, agentId, now());
        return { stopped: true };
      });
      wake();
      return answer;
    },
  };
}

/**
 * What it asked the person, or was asked because a cap holds it, needs no answer any more: others that the cap holds ask anew. Where the turn
 * waited for nothing else, it goes on.
 */
async function goOnWithout(tx: TaskTransaction, turnId: string, agentId: string, at: number): Promise<void> {
  const open = (await tx.questions(turnId)).filter(isOpen);
  const own = open.filter(
    ({ question, holds = question.questionId }) => holds === agentId || holds.startsWith(`${agentId}:`),
  );
  const last = own.at(-1);
  if (last === undefined) return;
  await tx.append({ turnId }, dismissals(own, at));
  if (own.length === open.length && (await tx.standing(turnId))?.state === 'parked')
    await goOn(tx, turnId, last);
}

/** The card of the agent that works for that call, wherever in the tree it is. Ids grow to the right. */
export function cardIn(items: readonly Item[], agentId: string): AgentCard | undefined {
  for (const item of items) {
    if (item.kind !== 'tool') continue;
    if (item.callId === agentId) return item.agent;
    if (agentId.startsWith(`${item.callId}:`)) return cardIn(item.items ?? [], agentId);
  }
  return undefined;
}
