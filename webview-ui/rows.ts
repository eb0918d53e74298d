import type { Failure } from '../server/protocol/errors.ts';
import type { Item, TaskState, Turn } from '../server/protocol/task.ts';

export type ToolItem = Extract<Item, { kind: 'tool' }>;

/** One row of the transcript. `key` is stable for as long as the row means the same. */
export type Row =
  | { kind: 'item'; key: string; item: Item }
  | { kind: 'turnEnd'; key: string; turn: Turn; last: boolean }
  /** `waiting` is why it does not go on now. */
  | { kind: 'working'; key: string; startedAt: number; waiting: Failure | undefined };

const rowOfItem = new WeakMap<Item, Row>();

/**
 * The transcript of a task; the row of an item that did not change is the same object as before. A turn that asks is not
 * working: its question is the last that is said of it.
 */
export function rowsOf(task: TaskState): Row[] {
  const rows: Row[] = [];
  const last = task.turns.at(-1);
  for (const turn of task.turns) {
    turn.items.forEach((item, index) => {
      if (!isAskedBelow(turn.items, item, index)) rows.push(itemRow(turn, item, index));
    });
    if (turn.outcome) rows.push({ kind: 'turnEnd', key: `${turn.turnId}/end`, turn, last: turn === last });
  }
  if (last && !last.outcome && task.status !== 'asking') {
    const { turnId, startedAt, waiting } = last;
    rows.push({ kind: 'working', key: `${turnId}/working`, startedAt, waiting });
  }
  return rows;
}

/** The tools that ask the person. */
const ASKING: ReadonlySet<string> = new Set(['ask_user', 'propose_plan']);

/** The call that asks is not shown beside its question, which says all of it. */
function isAskedBelow(items: Item[], item: Item, index: number): boolean {
  if (item.kind !== 'tool' || !ASKING.has(item.name)) return false;
  return items.slice(index + 1).some((later) => isQuestionOf(later, item.callId));
}

/** A question has the id of the call that asks it. */
export function isQuestionOf(item: Item, callId: string): boolean {
  return item.kind === 'question' && item.questionId === callId;
}

function itemRow(turn: Turn, item: Item, index: number): Row {
  const known = rowOfItem.get(item);
  if (known) return known;
  const row: Row = { kind: 'item', key: itemKey(turn, item, index), item };
  rowOfItem.set(item, row);
  return row;
}

function itemKey(turn: Turn, item: Item, index: number): string {
  if (item.kind === 'tool') return `${turn.turnId}/${item.callId}`;
  if (item.kind === 'question') return `${turn.turnId}/question/${item.questionId}`;
  if (item.kind === 'notice' || item.kind === 'cut') return `${turn.turnId}/${item.kind}/${index}`;
  return `${turn.turnId}/${item.messageId}`;
}

/** The tool call of a row, if it is one: the rows that the arrow keys go through. */
export function toolOf(row: Row | undefined): ToolItem | null {
  return row?.kind === 'item' && row.item.kind === 'tool' ? row.item : null;
}

/** The next row in `direction` that is a tool call, or -1. */
export function nextTool(rows: Row[], from: number, direction: 1 | -1): number {
  for (let index = from + direction; index >= 0 && index < rows.length; index += direction)
    if (toolOf(rows[index])) return index;
  return -1;
}
