import type { Failure } from '../protocol/errors.ts';
import type { Agent } from './agent.ts';
import { messageIdOf } from './ids.ts';
import { type ModelStep, modelStep, type ToolCall } from './model-step.ts';
import type { Progress } from './progress.ts';
import { mayOverlap, type ToolStep, toolStep } from './tool-step.ts';
import type { Transcript } from './transcript.ts';
import type { TurnContext } from './turn-context.ts';

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
  /** After each answer, before any of its calls. */
  answered?: () => Promise<Failure | undefined>;
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
  if (progress.lastWords !== undefined) return { kind: 'completed', text: progress.lastWords };

  // What was interrupted is brought to its end first. What had just ended has yet to be followed by what follows it.
  if (progress.unfinished.length > 0) {
    const end = await act(turn, agent, transcript, progress, around);
    if (end) return end;
  } else if (progress.calls.length > 0) around.acted?.(progress.answers, progress.calls);

  for (;;) {
    const n = progress.answers + 1;
    const answer: ModelStep =
      n > agent.maxModelCalls
        ? { kind: 'failed', failure: stepLimit(agent.maxModelCalls) }
        : await turn.journal.step(messageIdOf(agent, n), () =>
            modelStep(turn, agent, n, transcript, progress.mayHaveBegun.has(messageIdOf(agent, n))),
          );
    const lost = await around.answered?.();
    if (lost) return { kind: 'failed', failure: lost };
    if (answer.kind !== 'answered') return answer;

    const { text, toolCalls } = answer;
    progress.answers = n;
    progress.calls = toolCalls;
    progress.unfinished = toolCalls;
    if (toolCalls.length === 0) return { kind: 'completed', text };
    const end = await act(turn, agent, transcript, progress, around);
    if (end) return end;
  }
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
