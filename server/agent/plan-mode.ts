import type { Mode } from '../protocol/commands.ts';
import type { TaskEvent } from '../protocol/events.ts';
import type { Tool } from './tools/tool.ts';
import type { Objection, Watch } from './watch/watch.ts';

/** What an agent is told beside a message that asks for a plan, or that takes such a wish back. */
export const MODE_NOTES: Record<Mode, string> = {
  plan: '[Plan mode: look, think, and change nothing. Put your plan to the person with propose_plan; until they approve it, whatever changes something is refused.]',
  act: '[Plan mode is over: work on this at once.]',
};

const NO_PLAN =
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

/**
 * What is wrong with an end in plan mode: nobody was shown a plan. Told once, for there may be nothing to plan.
 * @param events the log as it was when the agent last waited for the person, which it does with every plan
 */
export function noPlan(
  mode: Mode,
  events: readonly TaskEvent[],
  turnId: string,
  watch: Watch,
): Objection | undefined {
  const isShown = events.some(
    (event) => event.type === 'question.asked' && event.turnId === turnId && event.about === 'plan',
  );
  if (mode === 'act' || isShown || watch.nudges('no_plan') > 0) return undefined;
  return { kind: 'nudge', reason: 'no_plan', text: NO_PLAN };
}

/**
 * Why a call is not made in this mode, for the model. The tools are the same in both, so that what every request begins with stays the
 * same; what they may do is not.
 */
export function refusedBy(mode: Mode, tool: Tool, input: Record<string, unknown>): string | undefined {
  const { name } = tool;
  if (mode === 'act') return name === 'propose_plan' ? NOT_ASKED_FOR : undefined;
  return isWriting(tool, input) ? `PlanMode: ${name} ${CHANGES_SOMETHING}` : undefined;
}

/** A tool as the mode has it, which to the model is the same one. @param looking what it is while a plan is made */
export function inMode(modeNow: () => Mode, acting: Tool, looking: Tool): Tool {
  const now = (): Tool => (modeNow() === 'plan' ? looking : acting);
  return {
    ...acting,
    writes: (input) => isWriting(now(), input),
    run: (input, context) => now().run(input, context),
  };
}

const isWriting = ({ writes }: Tool, input: Record<string, unknown>): boolean =>
  typeof writes === 'function' ? writes(input) : writes;

const NOT_ASKED_FOR = 'NotPlanMode: the person asked for the work and not for a plan. Do it.';
const CHANGES_SOMETHING =
  'can change something, and the person wants to approve a plan first. Look with read, glob, grep and bash, whose changes are put back; then call propose_plan.';
