import * as z from 'zod';
import { afterTool, beforeTool } from '../hooks/run-hooks.ts';
import { SandboxError } from '../sandbox/sandbox.ts';
import type { Agent } from './agent.ts';
import { showOutput } from './live-output.ts';
import { WorkspaceSpoilt } from './spoilt.ts';
import { mayWrite, startedEvent, type ToolCall, toolOf } from './tool-call.ts';
import { type Gains, toolContext } from './tool-context.ts';
import { ASKED, type Tool, ToolProblem } from './tools/tool.ts';
import { isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';

/** What a tool call came to, as the model reads it. `asked`: its result is what the person will answer. */
export type ToolStep =
  | ({ kind: 'finished'; callId: string; name: string } & Result)
  | { kind: 'asked'; callId: string };

/**
 * Runs one tool call. Safe to repeat: a result that was recorded is not computed again, a command that was started is
 * attached to, and an edit recognises its own work.
 * @param known `mayHaveBegun`: whether an earlier try of it can have left something in the log; `isTold`: whether it is told already
 * that it has started
 */
export async function toolStep(
  turn: TurnContext,
  agent: Agent,
  call: ToolCall,
  { mayHaveBegun, isTold }: { mayHaveBegun: boolean; isTold: boolean },
): Promise<ToolStep> {
  const { taskId, turnId } = turn;
  const { by } = agent;
  const { callId, name } = call;
  const recorded = mayHaveBegun ? await turn.log.find(taskId, `${callId}:finished`) : undefined;
  if (recorded?.type === 'tool.finished') {
    const { output, isError, files, media } = recorded;
    agent.files.learn(files ?? []);
    return {
      kind: 'finished',
      ...{ callId, name, output, isError },
      ...(files ? { files } : {}),
      ...(media ? { media } : {}),
    };
  }
  const hasBegun = mayHaveBegun && (await turn.log.find(taskId, `${callId}:started`)) !== undefined;
  if (!isTold) await tell(turn, startedEvent(turn, agent, call));
  const startedAt = turn.now();
  const gains: Gains = { files: [], media: [] };
  const shown = await run(turn, agent, call, hasBegun, gains);
  if (shown === ASKED) return { kind: 'asked', callId };
  const media = gains.media.length > 0 ? { media: gains.media } : {};
  const result = { ...shown, output: turn.hide(taskId, shown.output), ...media };
  const files = gains.files.length > 0 ? { files: gains.files } : {};
  const durationMs = turn.now() - startedAt;
  await tell(turn, {
    key: `${callId}:finished`,
    event: { type: 'tool.finished', turnId, ...by, callId, name, ...result, ...files, durationMs },
  });
  agent.files.learn(gains.files);
  return { kind: 'finished', callId, name, ...result, ...files };
}

interface Result {
  output: string;
  isError: boolean;
  media?: Gains['media'];
  files?: Gains['files'];
}

async function run(
  turn: TurnContext,
  agent: Agent,
  call: ToolCall,
  hasBegun: boolean,
  gains: Gains,
): Promise<Result | typeof ASKED> {
  const tool = toolOf(agent, call);
  // What had begun when its relay died is attached to also then: the signal ends it, and its result says how far it came.
  const isUnderWay = hasBegun && (mayWrite(agent, call) || tool?.mustSettle === true);
  if (!isUnderWay && (await isStopped(turn, agent))) {
    return { output: '[stopped by the user before this ran]', isError: true };
  }
  if (!tool) return { output: unknownTool(agent, call.name), isError: true };
  const input = tool.input.safeParse(call.input);
  if (!input.success) return { output: misfit(call, input.error), isError: true };
  const refusal = agent.refuses?.(tool, input.data);
  if (refusal !== undefined) return { output: refusal, isError: true };
  if (turn.beside.hooks.length === 0) return runTool(turn, agent, tool, call, input.data, hasBegun, gains);

  const refused = await beforeTool(turn, agent, call);
  if (refused !== undefined) return { output: refused, isError: true };
  if (!isUnderWay && (await isStopped(turn, agent))) {
    return { output: '[stopped by the user before this ran]', isError: true };
  }
  const result = await runTool(turn, agent, tool, call, input.data, hasBegun, gains);
  if (result === ASKED) return ASKED;
  return { ...result, output: result.output + (await afterTool(turn, agent, call, result)) };
}

async function runTool(
  turn: TurnContext,
  agent: Agent,
  tool: Tool,
  call: ToolCall,
  input: Record<string, unknown>,
  hasBegun: boolean,
  gains: Gains,
): Promise<Result | typeof ASKED> {
  const shown = await showOutput(turn, agent, call.callId, hasBegun);
  try {
    const output = await tool.run(input, await toolContext(turn, agent, call.callId, shown, gains, hasBegun));
    return output === ASKED ? ASKED : { output, isError: false };
  } catch (error) {
    if (error instanceof ToolProblem || error instanceof SandboxError) {
      return { output: error.message, isError: true };
    }
    if (isOutOfHands(error) || error instanceof WorkspaceSpoilt) throw error;
    if (await isStopped(turn, agent)) return { output: '[stopped by the user]', isError: true };
    turn.logger.error({ taskId: turn.taskId, callId: call.callId, err: error }, 'tool failed unexpectedly');
    return { output: `${call.name} failed unexpectedly. Try again, or another way.`, isError: true };
  } finally {
    await shown.close();
  }
}

/** What a model needs to know to call again, and right. */
function misfit({ name, input }: ToolCall, error: z.ZodError): string {
  const isMalformed = typeof input === 'object' && input !== null && 'malformed' in input;
  if (isMalformed && 'isCut' in input) {
    return `The arguments of ${name} were cut off: your answer came to the most that you may say at once. Nothing was done. Call it again with less, and do the rest by further calls.`;
  }
  const why = isMalformed ? 'they are not a JSON object' : z.prettifyError(error);
  return `The arguments do not fit ${name}: ${why}`;
}

const unknownTool = ({ tools }: Agent, name: string): string =>
  `There is no tool ${name}. The tools are: ${tools.map((tool) => tool.name).join(', ')}.`;
