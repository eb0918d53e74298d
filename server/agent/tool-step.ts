import * as z from 'zod';
import { SandboxError } from '../sandbox/sandbox.ts';
import type { ToolCall } from './model-step.ts';
import { createTextStream, type TextStream } from './text-stream.ts';
import { LIMITS } from './tools/limits.ts';
import { findTool, tools } from './tools/registry.ts';
import { type Tool, type ToolContext, ToolProblem } from './tools/tool.ts';
import { isTurnOver, type TurnContext, tell } from './turn-context.ts';

/** What a tool call came to, as the model reads it. */
export interface ToolStep {
  callId: string;
  name: string;
  output: string;
  isError: boolean;
}

/** Live output reaches clients at most this often (ms). */
const OUTPUT_INTERVAL_MS = 100;

/** Whether a call may change the workspace. */
export function mayWrite(call: ToolCall): boolean {
  return findTool(call.name)?.writes ?? false;
}

/**
 * Runs one tool call. Safe to repeat: a result that was recorded is not computed again, a command that was started is
 * attached to, and an edit recognises its own work.
 */
export async function toolStep(turn: TurnContext, call: ToolCall): Promise<ToolStep> {
  const { taskId, turnId } = turn;
  const { callId, name } = call;
  const recorded = await turn.log.find(taskId, `${callId}:finished`);
  if (recorded?.type === 'tool.finished') {
    return { callId, name, output: recorded.output, isError: recorded.isError };
  }
  await tell(turn, {
    key: `${callId}:started`,
    event: { type: 'tool.started', turnId, callId, name, input: call.input },
  });
  const startedAt = turn.now();
  const result = await run(turn, call);
  await tell(turn, {
    key: `${callId}:finished`,
    event: { type: 'tool.finished', turnId, callId, name, ...result, durationMs: turn.now() - startedAt },
  });
  return { callId, name, ...result };
}

async function run(turn: TurnContext, call: ToolCall): Promise<{ output: string; isError: boolean }> {
  const signal = await turn.stops.of(turn.taskId, turn.turnId);
  if (signal.aborted) return { output: '[stopped by the user before this ran]', isError: true };
  const tool = findTool(call.name);
  if (!tool) return { output: unknownTool(call.name), isError: true };
  const input = tool.input.safeParse(call.input);
  if (!input.success) return { output: misfit(call, input.error), isError: true };
  const shown = await showOutput(turn, call.callId);
  try {
    return { output: await runTool(turn, tool, input.data, call.callId, signal, shown), isError: false };
  } catch (error) {
    if (error instanceof ToolProblem || error instanceof SandboxError) {
      return { output: error.message, isError: true };
    }
    if (isTurnOver(error)) throw error;
    if (signal.aborted) return { output: '[stopped by the user]', isError: true };
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

const unknownTool = (name: string): string =>
  `There is no tool ${name}. The tools are: ${tools.map((tool) => tool.name).join(', ')}.`;

async function runTool(
  turn: TurnContext,
  tool: Tool,
  input: Record<string, unknown>,
  callId: string,
  signal: AbortSignal,
  shown: LiveOutput,
): Promise<string> {
  const context: ToolContext = {
    sandbox: await turn.sandboxes.open(turn.taskId),
    callId,
    signal,
    memo: (key, compute) => turn.store.memo(turn.taskId, `${callId}:${key}`, compute),
    showOutput: shown.push,
    setTodos: (items) =>
      tell(turn, {
        key: `${callId}:todos`,
        event: { type: 'todos.changed', turnId: turn.turnId, items },
      }),
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
async function showOutput(turn: TurnContext, callId: string): Promise<LiveOutput> {
  const { taskId, turnId } = turn;
  const before = { stdout: 0, stderr: 0 };
  for (const event of await turn.log.findAll(taskId, `${callId}:output:`)) {
    if (event.type === 'tool.output') before[event.stream] += event.text.length;
  }
  const open = (stream: 'stdout' | 'stderr'): TextStream & { skip: number; shown: number } => {
    let offset = before[stream];
    const text = createTextStream(OUTPUT_INTERVAL_MS, (piece) => {
      const key = `${callId}:output:${stream}:${offset}`;
      offset += piece.length;
      return tell(turn, { key, event: { type: 'tool.output', turnId, callId, stream, text: piece } });
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
