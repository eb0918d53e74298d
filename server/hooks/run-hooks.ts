import type { Agent } from '../agent/agent.ts';
import type { ToolCall } from '../agent/tool-call.ts';
import { type TurnContext, tell } from '../agent/turn-context.ts';
import type { HookConfig } from '../protocol/repository-config.ts';
import { type ExecResult, SandboxError } from '../sandbox/sandbox.ts';
import { addition, concerns, endOf, type HookEnd, LIMITS, refusal } from './hooks.ts';

/** A call's result as its hooks are told of it. */
interface Result {
  output: string;
  isError: boolean;
}

/**
 * Runs what the repository wants before a call, in its order, until one refuses.
 * @returns why the call is not made, for the model; undefined where it may be
 */
export async function beforeTool(
  turn: TurnContext,
  agent: Agent,
  call: ToolCall,
): Promise<string | undefined> {
  for (const [index, hook] of turn.beside.hooks.entries()) {
    if (hook.on !== 'before_tool' || !concerns(hook, call.name)) continue;
    const end = await runHook(turn, agent, hook, placeOf(call, index), toldOf(call));
    if (end.outcome === 'blocked') return refusal(hook, end.output);
  }
  return undefined;
}

/** Runs what the repository wants after a call. @returns what they add to its result, as the model reads it */
export async function afterTool(
  turn: TurnContext,
  agent: Agent,
  call: ToolCall,
  result: Result,
): Promise<string> {
  let added = '';
  for (const [index, hook] of turn.beside.hooks.entries()) {
    if (hook.on !== 'after_tool' || !concerns(hook, call.name)) continue;
    const { output, isError } = result;
    const end = await runHook(turn, agent, hook, placeOf(call, index), { ...toldOf(call), output, isError });
    if (end.outcome === 'passed' && end.output !== '') added += addition(hook, end.output);
  }
  return added;
}

/**
 * Runs what the repository wants before a turn ends well. What comes of it is for the person: the agent has had its last word.
 * @param answers how many the lead has given: a turn that went on after it was about to end may come to its end again
 */
export async function atTurnEnd(turn: TurnContext, agent: Agent, answers: number): Promise<null> {
  for (const [index, hook] of turn.beside.hooks.entries()) {
    if (hook.on !== 'turn_end') continue;
    const place = { key: `${turn.turnId}:hook:${index}:${answers}` };
    await runHook(turn, agent, hook, place, { turnId: turn.turnId });
  }
  return null;
}

interface Place {
  /** Its command's id in the sandbox, by which it runs once, and the key of what is told of it. */
  key: string;
  callId?: string;
}

const placeOf = ({ callId }: ToolCall, index: number): Place => ({ key: `${callId}:hook:${index}`, callId });

const toldOf = ({ callId, name, input }: ToolCall): object => ({ callId, name, input });

/** Never fails but as the turn does: a machine that is not there is told of by the call itself. */
async function runHook(
  turn: TurnContext,
  agent: Agent,
  hook: HookConfig,
  { key, callId }: Place,
  about: object,
): Promise<HookEnd> {
  const { name, on, command, timeoutMs } = hook;
  const startedAt = turn.now();
  let end: HookEnd;
  try {
    const sandbox = await agent.open();
    const signal = await agent.signal();
    const attempt = (execId: string): Promise<ExecResult> =>
      sandbox.exec(
        {
          execId,
          argv: ['bash', '-c', command],
          stdin: Buffer.from(JSON.stringify({ on, ...about })),
          timeoutMs,
          maxOutputBytes: LIMITS.output,
        },
        { signal },
      );
    let result = await attempt(key);
    // Ended by somebody else's hand, it has said nothing of the call yet.
    if (result.reason === 'cancelled' && !signal.aborted) result = await attempt(`${key}:again`);
    // The turn says so itself.
    if (result.reason === 'cancelled' && signal.aborted) return { outcome: 'failed', output: '' };
    end = endOf(hook, result);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    end = { outcome: 'failed', output: error.message };
  }
  const { outcome } = end;
  const output = turn.hide(turn.taskId, end.output);
  // Of each call that passed nothing is told: there may be thousands.
  if (outcome !== 'passed' || callId === undefined) {
    await tell(turn, {
      key,
      event: {
        type: 'hook.ran',
        turnId: turn.turnId,
        name,
        ...(callId === undefined ? {} : { callId }),
        outcome,
        output,
        durationMs: Math.round(turn.now() - startedAt),
      },
    });
  }
  return { outcome, output };
}
