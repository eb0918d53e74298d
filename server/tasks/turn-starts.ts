import type { TaskEvent, TodoItem } from '../protocol/events.ts';
import type { TaskState } from '../protocol/task.ts';

/** What a task had at some point of its log. */
export interface Held {
  /** What the proposal was compared with. */
  baseTree: string;
  headTree: string;
  /** What the agent left, or was given, last; and the base that this was made on. */
  leftTree: string;
  leftBase: string;
  todos: TodoItem[];
  /** The agent's words for the pull request. */
  description?: TaskState['description'];
}

/**
 * Reads from the log what there was when each turn began, and what there is now. What the agent of a turn that was rolled back left is
 * not what the agent that goes on remembers.
 * @param baseTree the task's base by now
 */
export function heldAtStarts(
  events: readonly TaskEvent[],
  baseTree: string,
): { starts: ReadonlyMap<string, Held>; now: Held } {
  const first = events.find((event) => event.type === 'base.updated')?.formerTree ?? baseTree;
  let held: Held = { baseTree: first, headTree: first, leftTree: first, leftBase: first, todos: [] };
  const starts = new Map<string, Held>();
  /** The turn that has begun and done nothing yet: what is captured then is of the one before. */
  let opening: string | undefined;
  const leaves = (tree: string): void => {
    held = { ...held, leftTree: tree, leftBase: held.baseTree };
    if (opening !== undefined) starts.set(opening, held);
  };
  for (const event of events) {
    switch (event.type) {
      case 'turn.started':
        opening = event.turnId;
        starts.set(opening, held);
        break;
      case 'tool.started':
        opening = undefined;
        break;
      case 'todos.changed':
        held = { ...held, todos: event.items };
        break;
      case 'changes.described':
        held = { ...held, description: { title: event.title, body: event.body } };
        break;
      case 'proposal.changed':
        held = { ...held, headTree: event.headTree, baseTree: event.baseTree };
        if (event.by === undefined) leaves(event.headTree);
        break;
      case 'workspace.set':
        // What a turn is given when it begins is no more what there was before it.
        if (event.turnId !== undefined) opening = undefined;
        leaves(event.headTree);
        break;
      case 'base.updated': {
        const isUntouched = held.headTree === held.baseTree;
        held = { ...held, baseTree: event.baseTree, ...(isUntouched ? { headTree: event.baseTree } : {}) };
        break;
      }
      case 'task.rolled_back': {
        const { leftTree, leftBase, todos, description } = starts.get(event.turnId) ?? held;
        held = { ...held, leftTree, leftBase, todos, description };
        opening = undefined;
        break;
      }
    }
  }
  return { starts, now: held };
}
