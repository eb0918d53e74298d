import * as z from 'zod';
import { SandboxError } from '../sandbox/sandbox.ts';
import type { Agent } from './agent.ts';
import type { ToolCall } from './model-step.ts';
import { createTextStream, type TextStream } from './text-stream.ts';
import { LIMITS } from './tools/limits.ts';
import { findTool } from './tools/registry.ts';
import { ASKED, type Tool, type ToolContext, ToolProblem } from './tools/tool.ts';
import { assertHeld, isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';

/** What a tool call came to, as the model reads it. `asked`: its result is what the person will answer. */
export type ToolStep =
  | { kind: 'finished'; callId: string; name: string; output: string; isError: boolean }
  | { kind: 'asked'; callId: string };

/** Live output reaches clients at most this often (ms). */
const OUTPUT_INTERVAL_MS = 100;

/** Whether a call may change the workspace. */
export function mayWrite(call: ToolCall): boolean {
  return findTool(call.name)?.writes ?? false;
}

/**
 * Runs one tool call. Safe to repeat: a result that was recorded is not computed again, a command that was started is
 * attached to, and an edit recognises its own work.
 * @param mayHaveBegun whether an earlier try of it can have left something in the log
 */
export async function toolStep(
  turn: TurnContext,
  agent: Agent,
  call: ToolCall,
  mayHaveBegun: boolean,
): Promise<ToolStep> {
  const { taskId, turnId } = turn;
  const { by } = agent;
  const { callId, name } = call;
  const recorded = mayHaveBegun ? await turn.log.find(taskId, `${callId}:finished`) : undefined;
  if (recorded?.type === 'tool.finished') {
    return { kind: 'finished', callId, name, output: recorded.output, isError: recorded.isError };
  }
  const hasBegun = mayHaveBegun && (await turn.log.find(taskId, `${callId}:started`)) !== undefined;
  await tell(turn, {
    key: `${callId}:started`,
    event: { type: 'tool.started', turnId, ...by, callId, name, input: call.input },
  });
  const startedAt = turn.now();
  const shown = await run(turn, agent, call, hasBegun);
  if (shown === ASKED) return { kind: 'asked', callId };
  const result = { ...shown, output: turn.hide(taskId, shown.output) };
  const durationMs = turn.now() - startedAt;
  await tell(turn, {
    key: `${callId}:finished`,
    event: { type: 'tool.finished', turnId, ...by, callId, name, ...result, durationMs },
  });
  return { kind: 'finished', callId, name, ...result };
}

interface Result {
  output: string;
  isError: boolean;
}

async function run(
  turn: TurnContext,
  agent: Agent,
  call: ToolCall,
  hasBegun: boolean,
): Promise<Result | typeof ASKED> {
  const tool = agent.tools.find(({ name }) => name === call.name);
  // What had begun when its relay died is attached to also then: the signal ends it, and its result says how far it came.
  const isUnderWay = hasBegun && tool?.writes === true;
  if (!isUnderWay && (await isStopped(turn))) {
    return { output: '[stopped by the user before this ran]', isError: true };
  }
  if (!tool) return { output: unknownTool(agent, call.name), isError: true };
  const input = tool.input.safeParse(call.input);
  if (!input.success) return { output: misfit(call, input.error), isError: true };
  const shown = await showOutput(turn, agent, call.callId, hasBegun);
  try {
    const output = await runTool(turn, agent, tool, input.data, call.callId, shown);
    return output === ASKED ? ASKED : { output, isError: false };
  } catch (error) {
    if (error instanceof ToolProblem || error instanceof SandboxError) {
      return { output: error.message, isError: true };
    }
    if (isOutOfHands(error)) throw error;
    if (await isStopped(turn)) return { output: '[stopped by the user]', isError: true };
    turn.logger.error({ taskId: turn.taskId, callId: call.callId, err: error }, 'tool failed unexpectedly');
    return { output: `${call.name} failed unexpectedly. Try again, or another way.`, isError: true };
  } finally {
    await shown.close();
  }
}

/** What a model needs to know to call again, and right. */
function misfit({ name, input }: ToolCall, error: z.ZodError): string {
  const isMalformed = typeof input === 'object' && input !== null && 'malformed' in input;
  const why = isMalformed ? 'they are not a JSON object' : z.prettifyError(error);
  return `The arguments do not fit ${name}: ${why}`;
}

const unknownTool = ({ tools }: Agent, name: string): string =>
  `There is no tool ${name}. The tools are: ${tools.map((tool) => tool.name).join(', ')}.`;

async function runTool(
  turn: TurnContext,
  agent: Agent,
  tool: Tool,
  input: Record<string, unknown>,
  callId: string,
  shown: LiveOutput,
): Promise<string | typeof ASKED> {
  const { turnId } = turn;
  const context: ToolContext = {
    sandbox: await turn.sandboxes.open(turn.taskId),
    callId,
    signal: await turn.signals.of(turn.claim),
    async memo(key, compute) {
      const value = await turn.store.memo(turn.taskId, `${callId}:${key}`, compute);
      // A relay that slept until now acts on nothing: what was decided may be done, undone and forgotten.
      await assertHeld(turn);
      return value;
    },
    showOutput: shown.push,
    setTodos: (items) =>
      tell(turn, {
        key: `${callId}:todos`,
        event: { type: 'todos.changed', turnId, items },
      }),
    ask: (question) =>
      tell(turn, {
        key: `${callId}:asked`,
        event: { type: 'question.asked', turnId, questionId: callId, ...question },
      }),
    threads: async () => (await turn.states.current(turn.taskId)).threads,
    async reply(threadId, words, resolve) {
      const text = turn.hide(turn.taskId, words);
      await tell(turn, {
        key: `${callId}:replied`,
        event: {
          type: 'comment.written',
          commentId: callId,
          threadId,
          author: 'agent',
          text,
          isDraft: false,
          turnId,
        },
      });
      if (!resolve) return;
      await tell(turn, {
        key: `${callId}:resolved`,
        event: { type: 'thread.resolved', threadId, isResolved: true, turnId },
      });
    },
    describe: (title, body) =>
      tell(turn, {
        key: `${callId}:described`,
        event: {
          type: 'changes.described',
          turnId,
          title: turn.hide(turn.taskId, title),
          body: turn.hide(turn.taskId, body),
        },
      }),
    delegate(prompt) {
      if (!agent.delegate) throw new ToolProblem('A subagent cannot have subagents.');
      return agent.delegate(turn, callId, prompt);
    },
  };
  return tool.run(input, context);
}

interface LiveOutput {
  push(stream: 'stdout' | 'stderr', text: string): void;
  close(): Promise<void>;
}

/**
 * Output as events while the call runs. A command that is attached to again replays its output from the beginning:
 * what was shown of each stream before is skipped, so that nobody sees it twice.
 */
async function showOutput(
  turn: TurnContext,
  { by }: Agent,
  callId: string,
  hasBegun: boolean,
): Promise<LiveOutput> {
  const { taskId, turnId } = turn;
  const before = { stdout: 0, stderr: 0 };
  const earlier = hasBegun ? await turn.log.findAll(taskId, `${callId}:output:`) : [];
  for (const event of earlier) {
    if (event.type === 'tool.output') before[event.stream] += event.text.length;
  }
  const open = (stream: 'stdout' | 'stderr'): TextStream & { skip: number; shown: number } => {
    let offset = before[stream];
    const text = createTextStream(OUTPUT_INTERVAL_MS, (piece) => {
      const key = `${callId}:output:${stream}:${offset}`;
      offset += piece.length;
      return tell(turn, { key, event: { type: 'tool.output', turnId, ...by, callId, stream, text: piece } });
    });
    return { ...text, skip: offset, shown: offset };
  };
  const streams = { stdout: open('stdout'), stderr: open('stderr') };
  return {
    push(name, text) {
      const stream = streams[name];
      const fresh = text.slice(stream.skip);
      stream.skip -= text.length - fresh.length;
      const room = LIMITS.bashShown - stream.shown;
      const piece = fresh.slice(0, Math.max(0, room));
      stream.shown += piece.length;
      if (piece !== '') stream.push(piece);
    },
    async close() {
      await streams.stdout.close();
      await streams.stderr.close();
    },
  };
}
