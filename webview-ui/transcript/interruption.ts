import type { Item, Turn } from '../../server/protocol/task.ts';
import type { ToolItem } from '../rows.ts';
import { wasStopped } from '../tools/input.ts';

/** What a turn had done when it was stopped, and what it was at. */
export interface Interruption {
  /** Tool calls that had come to their end, those of subagents with them. */
  stepsDone: number;
  /** Tool calls that were cut off; of a subagent what it was at, or the subagent if that was nothing. */
  cutOff: ToolItem[];
}

export function interruptionOf(turn: Turn): Interruption {
  const parts = turn.items.map((item) => within(item, turn));
  return {
    stepsDone: parts.reduce((sum, { stepsDone }) => sum + stepsDone, 0),
    cutOff: parts.flatMap(({ cutOff }) => cutOff),
  };
}

function within(item: Item, turn: Turn): Interruption {
  if (item.kind !== 'tool') return { stepsDone: 0, cutOff: [] };
  const { stepsDone, cutOff } = interruptionOf({ ...turn, items: item.items ?? [] });
  if (!wasCutOff(item, turn)) return { stepsDone: stepsDone + 1, cutOff };
  return { stepsDone, cutOff: cutOff.length > 0 ? cutOff : [item] };
}

/** Either the turn's end found it open, or its tool was stopped. */
function wasCutOff(tool: ToolItem, { endedAt }: Turn): boolean {
  const { output, isError, startedAt, durationMs } = tool;
  if (output === undefined) return true;
  if (isError !== true) return false;
  const atTheEnd = endedAt !== undefined && startedAt + (durationMs ?? 0) >= endedAt;
  return atTheEnd || wasStopped(tool);
}
