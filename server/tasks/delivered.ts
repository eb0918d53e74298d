import { commandIn } from '../protocol/slash-commands.ts';
import type { Message } from './task-store.ts';

/** A message that the agent reads. Who writes `/plan` wants a plan, as who presses the button for it. */
export function deliveredEvent(turnId: string, message: Message) {
  const mode = message.mode ?? (commandIn(message.text)?.name === 'plan' ? 'plan' : undefined);
  return {
    type: 'message.delivered' as const,
    turnId,
    ...message,
    ...(mode === undefined ? {} : { mode }),
  };
}
