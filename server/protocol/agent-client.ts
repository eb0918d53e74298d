import { AgentStopAnswer } from './agents.ts';
import type { Asking } from './asking.ts';

/** The calls of the relay's client that are about one subagent. */
export function agentCalls({ task, read }: Asking) {
  return {
    stopAgent: (id: string, agentId: string) =>
      read(AgentStopAnswer, task(id, `/agents/${encodeURIComponent(agentId)}/stop`), {
        method: 'POST',
        json: {},
      }),
  };
}
