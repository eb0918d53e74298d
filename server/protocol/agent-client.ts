import { Aftermath } from './aftermath.ts';
import { AgentStopAnswer } from './agents.ts';
import type { Asking } from './asking.ts';
import { BroughtIn } from './kept-work.ts';
import { TaskTrace } from './trace.ts';

/** The calls of the relay's client that are about agents, and what follows their work. */
export function agentCalls({ task, read }: Asking) {
  return {
    aftermath: (id: string, turnId: string) =>
      read(Aftermath, task(id, `/turns/${encodeURIComponent(turnId)}/aftermath`)),
    trace: (id: string) => read(TaskTrace, task(id, '/trace')),
    stopAgent: (id: string, agentId: string) =>
      read(AgentStopAnswer, task(id, `/agents/${encodeURIComponent(agentId)}/stop`), {
        method: 'POST',
        json: {},
      }),
    bringIn: (id: string, agentId: string) =>
      read(BroughtIn, task(id, `/agents/${encodeURIComponent(agentId)}/bring-in`), {
        method: 'POST',
        json: {},
        timeoutMs: 60_000,
      }),
  };
}
