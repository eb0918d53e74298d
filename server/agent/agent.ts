import type { Tool } from './tools/tool.ts';
import type { TurnContext } from './turn-context.ts';

/** Who takes the steps: the lead of a turn, who speaks to the person, or a subagent that works for one tool call of another. */
export interface Agent {
  /** Begins the ids of everything it says and does: the turn's id for the lead, the id of its tool call for a subagent. */
  id: string;
  /** What its events say about it; nothing for the lead. */
  by: { agentId?: string; parentId?: string };
  /** Whether the person's messages go to it. */
  isLead: boolean;
  instructions: string;
  /** The task's own choice of a model; the relay's where undefined. */
  model: string | undefined;
  tools: readonly Tool[];
  /** Model calls at most: a loop that got this far is lost. */
  maxModelCalls: number;
  /** Has a subagent work for one of its tool calls; absent where it may not. */
  delegate?: (turn: TurnContext, callId: string, prompt: string) => Promise<string>;
}
