import type { Journal } from '../engine/durable.ts';
import { toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import type { TurnOutcome, Usage } from '../protocol/events.ts';
import { readAll } from '../tasks/event-log.ts';
import type { TurnInput } from '../tasks/task-service.ts';
import { type CaptureStep, captureStep } from './capture-step.ts';
import { type ModelStep, modelStep, type ToolCall } from './model-step.ts';
import { prepareStep } from './prepare-step.ts';
import { instructionsFor } from './prompt.ts';
import { mayWrite, type ToolStep, toolStep } from './tool-step.ts';
import { createTranscript, type Transcript } from './transcript.ts';
import { isTurnOver, type TurnContext, type TurnDeps } from './turn-context.ts';

/** Model calls in one turn, at most: a loop that got this far is lost. */
const MAX_MODEL_CALLS = 300;

interface TurnEnd {
  outcome: TurnOutcome;
  error?: Failure;
}

/**
 * One user message and all that the agent does about it, as a durable workflow: every model call and every tool call is a
 * journaled step, and what happens between steps depends on nothing but their results.
 */
export function createTurn(deps: TurnDeps): (journal: Journal, input: TurnInput) => Promise<void> {
  return async (journal, { taskId, turnId }) => {
    const turn: TurnContext = { ...deps, taskId, turnId, journal };
    try {
      await run(turn);
    } catch (error) {
      if (isTurnOver(error)) return;
      deps.logger.error({ taskId, turnId, err: error }, 'the turn failed unexpectedly');
      await end(turn, 'end:unexpected', { outcome: 'failed', error: toFailure(error) }, {});
    } finally {
      deps.stops.release(turnId);
    }
  };
}

/** @returns true: the turn has ended */
async function run(turn: TurnContext): Promise<boolean> {
  const { taskId, turnId, journal } = turn;
  const prepared = await journal.step('prepare', () => prepareStep(turn));
  if (prepared.kind === 'failed') return end(turn, 'end', { outcome: 'failed', error: prepared.failure }, {});
  if (prepared.kind === 'stopped') return end(turn, 'end', { outcome: 'stopped' }, {});
  const { baseTree } = prepared;
  const instructions = instructionsFor({ workdir: prepared.workdir, agentsMd: prepared.agentsMd });
  const transcript = await earlierTurns(turn);
  const usage: Usage = {};
  let headTree = await journal.step('head', async () => {
    const { proposal } = await turn.states.current(taskId);
    return proposal?.headTree ?? baseTree;
  });
  let capturing: Promise<CaptureStep> | undefined;
  /** Waits for the capture that overlapped the model's call, before anything may change the workspace again. */
  const captured = async (): Promise<Failure | undefined> => {
    const result = await capturing;
    capturing = undefined;
    if (result?.kind === 'captured') headTree = result.headTree;
    return result?.kind === 'failed' ? result.failure : undefined;
  };

  for (let n = 1; ; n++) {
    const answer: ModelStep =
      n > MAX_MODEL_CALLS
        ? { kind: 'failed', failure: STEP_LIMIT }
        : await journal.step(`model:${n}`, () => modelStep(turn, n, instructions, transcript));
    const lost = await captured();
    if (lost) return finish(n, { outcome: 'failed', error: lost });
    if (answer.kind === 'stopped') return finish(n, { outcome: 'stopped' });
    if (answer.kind === 'failed') return finish(n, { outcome: 'failed', error: answer.failure });

    const { delivered, text, toolCalls } = answer;
    addUsage(usage, answer.usage);
    for (const message of delivered) transcript.add({ type: 'message.delivered', turnId, ...message });
    transcript.add({
      type: 'model.answered',
      turnId,
      messageId: `${turnId}:m${n}`,
      attempt: 0,
      text,
      toolCalls,
      usage: {},
    });
    if (toolCalls.length === 0) {
      const hasEnded = await finish(n, { outcome: 'completed' });
      if (hasEnded) return true;
      continue;
    }
    for (const { callId, name, output, isError } of await runTools(turn, toolCalls)) {
      transcript.add({ type: 'tool.finished', turnId, callId, name, output, isError, durationMs: 0 });
    }
    if (toolCalls.some(mayWrite)) {
      // Started before the next model call and awaited after it: the two overlap, in an order that replay repeats.
      const previous = headTree;
      capturing = journal.step(`capture:${n}`, () => captureStep(turn, String(n), baseTree, previous));
      // Whoever awaits it hears of a failure; where a step in between failed first, nobody does.
      capturing.catch(() => {});
    }
  }

  /**
   * Whatever still runs in the sandbox is killed, and what the workspace then holds is kept, before the turn ends: the
   * proposal is what is there, and stays so. False where the turn goes on with a message that came meanwhile.
   */
  async function finish(n: number, how: TurnEnd): Promise<boolean> {
    await journal.step(`kill:${n}`, () => killProcesses(turn));
    const last = await journal.step(`capture:last:${n}`, () =>
      captureStep(turn, `last:${n}`, baseTree, headTree),
    );
    if (last.kind === 'captured') headTree = last.headTree;
    return end(turn, `end:${n}`, how, usage);
  }
}

const STEP_LIMIT: Failure = {
  code: 'step_limit',
  message: `The agent made ${MAX_MODEL_CALLS} model calls without coming to an end.`,
  nextAction: 'Look at what it did; send a message to go on.',
};

/** Calls of one answer run at once when none of them may write, else one after the other, in the model's order. */
async function runTools(turn: TurnContext, calls: ToolCall[]): Promise<ToolStep[]> {
  const step = (call: ToolCall): Promise<ToolStep> =>
    turn.journal.step(`tool:${call.callId}`, () => toolStep(turn, call));
  if (!calls.some(mayWrite)) return Promise.all(calls.map(step));
  const results: ToolStep[] = [];
  for (const call of calls) results.push(await step(call));
  return results;
}

/** The conversation up to this turn: a prefix of the log, which never changes, so it need not be journaled. */
async function earlierTurns({ log, taskId, turnId }: TurnContext): Promise<Transcript> {
  const started = await log.find(taskId, `${turnId}:started`);
  return createTranscript(await readAll(log, taskId, 0, (started?.seq ?? 1) - 1));
}

async function killProcesses(turn: TurnContext): Promise<null> {
  try {
    const sandbox = await turn.sandboxes.open(turn.taskId);
    await sandbox.killAll(`${turn.turnId}:`);
  } catch (error) {
    // A sandbox that cannot be reached runs nothing that could be killed.
    turn.logger.warn({ taskId: turn.taskId, err: error }, 'no processes to kill');
  }
  return null;
}

/**
 * Ends the turn, unless a message came meanwhile and the turn was going well: then it goes on with that.
 * @returns whether it ended
 */
function end(turn: TurnContext, step: string, { outcome, error }: TurnEnd, usage: Usage): Promise<boolean> {
  const { taskId, turnId, store } = turn;
  return turn.journal.step(step, () =>
    store.locked(taskId, async (tx) => {
      if (outcome === 'completed' && (await tx.hasUndelivered())) return false;
      await tx.append(turnId, [
        {
          key: `${turnId}:ended`,
          event: { type: 'turn.ended', turnId, outcome, usage, ...(error ? { error } : {}) },
        },
      ]);
      await tx.endTurn(turnId);
      return true;
    }),
  );
}

function addUsage(total: Usage, more: Usage): void {
  for (const key of ['inputTokens', 'outputTokens', 'cachedInputTokens'] as const) {
    if (more[key] !== undefined) total[key] = (total[key] ?? 0) + more[key];
  }
}
