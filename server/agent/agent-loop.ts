import type { Failure } from '../protocol/errors.ts';
import type { Agent } from './agent.ts';
import { messageIdOf } from './ids.ts';
import { type ModelStep, modelStep, type ToolCall } from './model-step.ts';
import type { Progress } from './progress.ts';
import { mayOverlap, type ToolStep, toolStep } from './tool-step.ts';
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
}

/** Model call, tool calls, model call: until the agent has nothing more to do, or cannot go on. */
export async function runAgent(
  turn: TurnContext,
  agent: Agent,
  transcript: Transcript,
  progress: Progress,
  around: AroundSteps = {},
): Promise<AgentEnd> {
  // It had finished; only that was not acted upon yet. Asking the model once more would be saying something to it.
  if (progress.lastWords !== undefined) {
    const end = await conclude(turn, agent, transcript, progress, around, progress.lastWords);
    if (end) return end;
  }

  // What was interrupted is brought to its end first. What had just ended has yet to be followed by what follows it.
  if (progress.unfinished.length > 0) {
    const end = await act(turn, agent, transcript, progress, around);
    if (end) return end;
  } else if (progress.calls.length > 0) around.acted?.(progress.answers, progress.calls);

  for (;;) {
    const stuck = await consider(turn, agent, transcript, progress, progress.watch.atCalls());
    if (stuck) return stuck;
    const n = progress.answers + 1;
    const answer: ModelStep =
      n > agent.maxModelCalls
        ? { kind: 'failed', failure: stepLimit(agent.maxModelCalls) }
        : await turn.journal.step(messageIdOf(agent, n), () =>
            modelStep(turn, agent, n, transcript, progress.mayHaveBegun.has(messageIdOf(agent, n))),
          );
    if (answer.kind !== 'answered') return answer;
    const lost = await around.answered?.(answer.toolCalls);
    if (lost) return { kind: 'failed', failure: lost };

    const { text, toolCalls } = answer;
    progress.answers = n;
    progress.calls = toolCalls;
    progress.unfinished = toolCalls;
    progress.watch.add({ type: 'model.answered', turnId: turn.turnId, ...answer, ...NO_MATTER });
    const end =
      toolCalls.length === 0
        ? await conclude(turn, agent, transcript, progress, around, text)
        : await act(turn, agent, transcript, progress, around);
    if (end) return end;
  }
}

/** What of an answer the watch does not look at. */
const NO_MATTER = { messageId: '', attempt: 1, usage: {} };

/** It takes itself for done. @returns how the run ends by that; nothing where it was told to go on */
async function conclude(
  turn: TurnContext,
  agent: Agent,
  transcript: Transcript,
  progress: Progress,
  around: AroundSteps,
  text: string,
): Promise<AgentEnd | undefined> {
  const objection = progress.watch.atEnd() ?? (await around.objects?.(text));
  if (objection === undefined) return { kind: 'completed', text };
  progress.lastWords = undefined;
  return consider(turn, agent, transcript, progress, objection);
}

/** Tells the agent what is wrong, once, as a part of its conversation. @returns how the run ends by it, if it does */
async function consider(
  turn: TurnContext,
  agent: Agent,
  transcript: Transcript,
  progress: Progress,
  objection: Objection | undefined,
): Promise<AgentEnd | undefined> {
  if (objection === undefined) return undefined;
  if (objection.kind === 'failed') return { kind: 'failed', failure: objection.failure };
  const { reason, text } = objection;
  const messageId = messageIdOf(agent, progress.answers + 1);
  const event = { type: 'agent.nudged' as const, turnId: turn.turnId, ...agent.by, messageId, reason, text };
  await tell(turn, { key: `${messageId}:nudged:${reason}`, event });
  transcript.add(event);
  progress.watch.add(event);
  return undefined;
}

/** Runs what the last answer asked for and has no result yet. @returns how the run ends by that, if it does */
async function act(
  turn: TurnContext,
  agent: Agent,
  transcript: Transcript,
  progress: Progress,
  around: AroundSteps,
): Promise<AgentEnd | undefined> {
  const results = await runTools(turn, agent, progress);
  const finished = results.filter((result) => result.kind === 'finished');
  for (const { callId, name, output, isError, media } of finished) {
    transcript.add({
      type: 'tool.finished',
      turnId: turn.turnId,
      callId,
      name,
      output,
      isError,
      durationMs: 0,
      ...(media ? { media } : {}),
    });
  }
  progress.unfinished = [];
  around.acted?.(progress.answers, progress.calls);
  return finished.length < results.length ? { kind: 'asked' } : undefined;
}

/** Calls of one answer run at once where none of them is in another's way, else one after the other, in the model's order. */
async function runTools(
  turn: TurnContext,
  agent: Agent,
  { unfinished: calls, mayHaveBegun }: Progress,
): Promise<ToolStep[]> {
  const step = (call: ToolCall): Promise<ToolStep> =>
    turn.journal.step(call.callId, () => toolStep(turn, agent, call, mayHaveBegun.has(call.callId)));
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
