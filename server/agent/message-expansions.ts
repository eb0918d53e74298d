import { expansionOf } from '../handbook/expand.ts';
import type { SlashCommand } from './handbook.ts';
import type { TurnContext } from './turn-context.ts';

/**
 * What the messages that a turn began with stand for, where they are commands. Not known earlier: a task's first message is there before
 * its repository is. Those that come later are expanded as they are read.
 */
export async function expansionsOf(turn: TurnContext, commands: readonly SlashCommand[]) {
  const { taskId, turnId } = turn;
  const { turns } = await turn.states.current(taskId);
  const items = turns.findLast((known) => known.turnId === turnId)?.items ?? [];
  return items.flatMap((item) =>
    item.kind === 'user' ? expansionOf({ turnId, messageId: item.messageId, text: item.text }, commands) : [],
  );
}
