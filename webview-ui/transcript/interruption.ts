import type { Item, Turn } from '../../server/protocol/task.ts';
import type { ToolItem } from '../rows.ts';

/** What a turn had done when it was stopped, and what it was at. */
export interface Interruption {
  /** Tool calls that had come to their end, those of subagents with them. */
  stepsDone: number;
  /** Tool calls that were cut off; of a subagent what it was at, not the subagent. */
  cutOff: ToolItem[];
}

export function interruptionOf(turn: Turn): Interruption {
  const calls = turn.items.flatMap(callsIn);
  const cutOff = calls.filter((call) => wasCutOff(call, turn));
  return { stepsDone: calls.length - cutOff.length, cutOff };
}

/** The calls at the ends of the tree: a subagent's own stand for the call that it works for. */
function callsIn(item: Item): ToolItem[] {
  if (item.kind !== 'tool') return [];
  const inside = (item.items ?? []).flatMap(callsIn);
  return inside.length > 0 ? inside : [item];
}

/** Either the turn's end found it open, or its tool was stopped, which it says at the end of its output, as commands do. */
function wasCutOff({ output, isError, startedAt, durationMs }: ToolItem, { endedAt }: Turn): boolean {
  if (output === undefined) return true;
  if (isError !== true) return false;
  const atTheEnd = endedAt !== undefined && startedAt + (durationMs ?? 0) >= endedAt;
  return atTheEnd || /\[stopped by the user[^\]]*\]$/.test(output);
}
