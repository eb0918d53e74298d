import type { Mode } from '../protocol/commands.ts';
import type { TaskEvent } from '../protocol/events.ts';
import type { Tool } from './tools/tool.ts';

/** What an agent is told beside a message that asks for a plan, or that takes such a wish back. */
export const MODE_NOTES: Record<Mode, string> = {
  plan: '[Plan mode: look, think, and change nothing. Put your plan to the person with propose_plan; until they approve it, whatever changes something is refused.]',
  act: '[Plan mode is over: work on this at once.]',
};

/** What an agent that ends without a plan is told, once. */
export const NO_PLAN =
  'The person asked for a plan and you ended without one. Propose it with propose_plan; if there is nothing to plan, say why, and end.';

/**
 * How a turn works by now: as its newest message that says so wants it, or the person's yes to a plan. Read from the log, so it is the same
 * wherever the turn was interrupted.
 */
export function modeOf(events: readonly TaskEvent[], turnId: string): Mode {
  let mode: Mode = 'act';
  for (const event of events) {
    if (event.type !== 'mode.changed' && event.type !== 'message.delivered') continue;
    if (event.turnId === turnId) mode = event.mode ?? mode;
  }
  return mode;
}

/** Whether a turn that works by a plan has put one to the person. */
export const hasProposed = (events: readonly TaskEvent[], turnId: string): boolean =>
  events.some(
    (event) => event.type === 'question.asked' && event.turnId === turnId && event.about === 'plan',
  );

/**
 * Why a call is not made in this mode, for the model. The tools are the same in both, so that what every request begins with stays the
 * same; what they may do is not.
 * @param isReadOnly whether the shell that the agent has now cannot write
 */
export function refusedBy(
  mode: Mode,
  { name, writes }: Tool,
  input: Record<string, unknown>,
  isReadOnly = false,
): string | undefined {
  if (mode === 'act') return name === 'propose_plan' ? NOT_ASKED_FOR : undefined;
  if (name === 'bash' && isReadOnly) return undefined;
  const isWriting = typeof writes === 'function' ? writes(input) : writes;
  return isWriting ? `PlanMode: ${name} ${CHANGES_SOMETHING}` : undefined;
}

const NOT_ASKED_FOR = 'NotPlanMode: the person asked for the work and not for a plan. Do it.';
const CHANGES_SOMETHING =
  'can change something, and the person wants to approve a plan first. Look with read, glob and grep, then call propose_plan.';
