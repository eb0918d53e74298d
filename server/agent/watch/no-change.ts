import type { TaskEvent } from '../../protocol/events.ts';
import { emptyTask, reduce } from '../../protocol/reduce.ts';
import { workspaceTreeOf } from '../../tasks/next-proposal.ts';
import { type Objection, stuck, type Watch } from './watch.ts';

/**
 * What is wrong with being done where files were written and nothing has changed. That can be meant: whoever says so again, and has written
 * nothing since, is believed.
 * @param isUnchanged whether the workspace is what it was when the turn began
 */
export function noChange(watch: Watch, isUnchanged: boolean): Objection | undefined {
  if (!isUnchanged || !watch.hasWritten()) return undefined;
  if (watch.nudges('no_change') === 0) return { kind: 'nudge', reason: 'no_change', text: NO_CHANGE };
  if (!watch.hasWritten('no_change')) return undefined;
  return {
    kind: 'failed',
    failure: stuck(
      'The agent took itself for done, twice, although nothing was left of what it wrote: the workspace is as it was.',
    ),
  };
}

const NO_CHANGE =
  'You are done, you say, and you wrote files; but the workspace is exactly what it was when you began, so nothing is left of your work. If that is not meant, find out what undid it and make the change. If it is, say in your last message that nothing was changed, and why.';

/** What the workspace held when the agent was first asked in a turn, as the log has it; undefined where it was not yet. */
export function treeAtStart(
  events: readonly TaskEvent[],
  turnId: string,
  baseTree: string,
): string | undefined {
  const first = events.findIndex((event) => event.type === 'model.called' && event.turnId === turnId);
  if (first === -1) return undefined;
  return workspaceTreeOf(events.slice(0, first).reduce(reduce, emptyTask('')), baseTree);
}
