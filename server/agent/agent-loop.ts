import type { Failure } from '../protocol/errors.ts';
import type { Agent } from './agent.ts';
import { createFitter } from './context/fit.ts';
import { createMediaLoader } from './context/media.ts';
import { createRuleTeller, type RuleTeller } from './context/rules.ts';
import { createTail } from './context/tail.ts';
import { messageIdOf } from './ids.ts';
import { type ModelStep, modelStep, type Talk } from './model-step.ts';
import type { Progress } from './progress.ts';
import { mayOverlap, type ToolCall } from './tool-call.ts';
import { type ToolStep, toolStep } from './tool-step.ts';
import type { Transcript } from './transcript.ts';
import { type TurnContext, tell } from './turn-context.ts';
import type { Objection } from './watch/watch.ts';

/** How an agent's run came to a halt. `asked`: it needs an answer of the person before it can go on. */
export type AgentEnd =
  | { kind: 'completed'; text: string }
  | { kind: 'asked' }
  | { kind: 'stopped' }
  | { kind: 'failed'; failure: Failure };

/** What whoever runs an agent does around its steps. */
export interface AroundSteps {
  /** After the `n`th answer's calls have all ended. Not waited for, so that it overlaps the next model call. */
  acted?: (n: number, calls: readonly ToolCall[]) => void;
  /** After each answer, before any of these calls, which it asks for. */
  answered?: (calls: readonly ToolCall[]) => Promise<Failure | undefined>;
  /**
   * Why its end is not to count, once it takes itself for done; nothing where it is. It is told, goes on, and this is asked at its next
   * end again: `progress.watch` knows what it was told.
   */
  objects?: (text: string) => Promise<Objection | undefined>;
  /** Before each model call: how the run ends instead of it, or what the agent is told first. */
  next?: () => Promise<AgentEnd | Objection | undefined>;
}

/** One run of an agent: who it is, how far it has come, and what goes with it. */
interface Run extends Talk {
  turn: TurnContext;
  agent: Agent;
  progress: Progress;
  around: AroundSteps;
  rules: RuleTeller;
}

/** Model call, tool calls, model call: until the agent has nothing more to do, or cannot go on. */
export async function runAgent(
  turn: TurnContext,
  agent: Agent,
  transcript: Transcript,
  progress: Progress,
  around: AroundSteps = {},
): Promise<AgentEnd> {
  const run: Run = {
    ...{ turn, agent, transcript, progress, around },
    fitter: createFitter(turn, agent, transcript),
    tail: createTail(turn, agent, transcript),
    media: createMediaLoader(turn),
    rules: createRuleTeller(turn, agent),
  };
  // It had finished; only that was not acted upon yet. Asking the model once more would be saying something to it.
  if (progress.lastWords !== undefined) {
    const end = await conclude(run, progress.lastWords);
    if (end) return end;
  }

  // What was interrupted is brought to its end first. What had just ended has yet to be followed by what follows it.
  if (progress.unfinished.length > 0) {
    const end = await act(run);
    if (end) return end;
  } else if (progress.calls.length > 0) {
    around.acted?.(progress.answers, progress.calls);
    run.rules.asked(progress.calls);
    await run.rules.acted(progress.calls, transcript);
  }

  for (;;) {
    const end = (await consider(run, progress.watch.atCalls())) ?? (await before(run)) ?? (await step(run));
    if (end) return end;
  }
}

/** One answer, and what it asks for. @returns how the run ends by it, if it does */
async function step(run: Run): Promise<AgentEnd | undefined> {
  const { turn, agent, progress, around } = run;
  const n = progress.answers + 1;
  if (n > agent.maxModelCalls) return { kind: 'failed', failure: stepLimit(agent.maxModelCalls) };
  const messageId = messageIdOf(agent, n);
  const answer: ModelStep = await turn.journal.step(messageId, () =>
    modelStep(turn, agent, n, run, progress.mayHaveBegun.has(messageId)),
  );
  if (answer.kind !== 'answered') return answer;
  const { text, toolCalls, begun } = answer;
  const lost = await around.answered?.(toolCalls);
  if (lost) return { kind: 'failed', failure: lost };
  progress.answers = n;
  progress.calls = toolCalls;
  progress.unfinished = toolCalls;
  progress.told = new Set(begun.map(({ callId }) => callId));
  progress.watch.add({ type: 'model.answered', turnId: turn.turnId, text, toolCalls, ...NO_MATTER });
  return toolCalls.length === 0 ? conclude(run, text) : act(run);
}

/** What of an answer the watch does not look at. */
const NO_MATTER = { messageId: '', attempt: 1, usage: {} };

async function before(run: Run): Promise<AgentEnd | undefined> {
  const instead = await run.around.next?.();
  return instead?.kind === 'nudge' ? consider(run, instead) : instead;
}

/** It takes itself for done. @returns how the run ends by that; nothing where it was told to go on */
async function conclude(run: Run, text: string): Promise<AgentEnd | undefined> {
  const { progress, around } = run;
  const objection = progress.watch.atEnd() ?? (await around.objects?.(text));
  if (objection === undefined) return { kind: 'completed', text };
  progress.lastWords = undefined;
  return consider(run, objection);
}

/** Tells the agent what is wrong, once, as a part of its conversation. @returns how the run ends by it, if it does */
async function consider(run: Run, objection: Objection | undefined): Promise<AgentEnd | undefined> {
  if (objection === undefined) return undefined;
  if (objection.kind === 'failed') return { kind: 'failed', failure: objection.failure };
  const { turn, agent, transcript, progress } = run;
  const { reason, text } = objection;
  const messageId = messageIdOf(agent, progress.answers + 1);
  const event = { type: 'agent.nudged' as const, turnId: turn.turnId, ...agent.by, messageId, reason, text };
  await tell(turn, { key: `${messageId}:nudged:${reason}`, event });
  transcript.add(event);
  progress.watch.add(event);
  return undefined;
}

/** Runs what the last answer asked for and has no result yet. @returns how the run ends by that, if it does */
async function act(run: Run): Promise<AgentEnd | undefined> {
  const { turn, agent, transcript, progress, around, rules } = run;
  rules.asked(progress.calls);
  const results = await runTools(turn, agent, progress);
  const finished = results.filter((result) => result.kind === 'finished');
  for (const { kind: _finished, ...result } of finished) {
    const event = { type: 'tool.finished' as const, turnId: turn.turnId, ...result, durationMs: 0 };
    transcript.add(event);
    progress.watch.add(event);
  }
  progress.unfinished = [];
  around.acted?.(progress.answers, progress.calls);
  if (finished.length < results.length) return { kind: 'asked' };
  await rules.acted(progress.calls, transcript);
  return undefined;
}

/** Calls of one answer run at once where none of them is in another's way, else one after the other, in the model's order. */
async function runTools(
  turn: TurnContext,
  agent: Agent,
  { unfinished: calls, mayHaveBegun, told }: Progress,
): Promise<ToolStep[]> {
  const step = (call: ToolCall): Promise<ToolStep> =>
    turn.journal.step(call.callId, () =>
      toolStep(turn, agent, call, {
        mayHaveBegun: mayHaveBegun.has(call.callId),
        isTold: told.has(call.callId),
      }),
    );
  if (mayOverlap(agent, calls)) return Promise.all(calls.map(step));
  const results: ToolStep[] = [];
  for (const call of calls) results.push(await step(call));
  return results;
}

const stepLimit = (most: number): Failure => ({
  code: 'step_limit',
  message: `The agent made ${most} model calls without coming to an end.`,
  nextAction: 'Look at what it did; send a message to go on.',
});
