import type { KeyedEvent } from '../tasks/event-log.ts';
import type { Agent } from './agent.ts';
import type { Tool } from './tools/tool.ts';
import type { TurnContext } from './turn-context.ts';

/** A tool call with the identity that its step, its events and its command in the sandbox share. */
export interface ToolCall {
  callId: string;
  name: string;
  input: unknown;
}

export const toolOf = ({ tools }: Agent, call: ToolCall): Tool | undefined =>
  tools.find(({ name }) => name === call.name);

/** Whether a call of the agent's may change the workspace. What does not fit its tool is not run, and changes nothing. */
export function mayWrite(agent: Agent, call: ToolCall): boolean {
  const tool = toolOf(agent, call);
  if (tool === undefined || tool.writes === false) return false;
  if (tool.writes === true) return true;
  const input = tool.input.safeParse(call.input);
  return input.success && tool.writes(input.data);
}

/** Whether all of these may run at once. */
export function mayOverlap(agent: Agent, calls: readonly ToolCall[]): boolean {
  const writing = calls.filter((call) => mayWrite(agent, call));
  return writing.every((call) => toolOf(agent, call)?.isParallel === true);
}

/** Of the calls of one answer, those that are begun as soon as it is there: all, or the first where they run one after the other. */
export function begunAtOnce(agent: Agent, calls: readonly ToolCall[]): readonly ToolCall[] {
  if (agent.mayBegin?.(calls) === false) return [];
  return mayOverlap(agent, calls) ? calls : calls.slice(0, 1);
}

/** Word of a call's beginning. It is told before anything of it is done, so that nobody takes for never run what may have. */
export const startedEvent = (
  { turnId }: TurnContext,
  { by }: Agent,
  { callId, name, input }: ToolCall,
): KeyedEvent => ({
  key: `${callId}:started`,
  event: { type: 'tool.started', turnId, ...by, callId, name, input },
});
