import { setTimeout as delay } from 'node:timers/promises';
import { toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import type { EventOf } from '../protocol/events.ts';
import type { Agent } from './agent.ts';
import { callIdOf } from './ids.ts';
import type { ModelAnswer, ModelRequest } from './model.ts';
import { classify } from './model-errors.ts';
import { createTextStream } from './text-stream.ts';
import { isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';

export type Answered = Omit<EventOf<'model.answered'>, 'seq' | 'at'>;

/** What asking a model came to. `asked`: the person has to say first whether the call may be made. */
export type Asked =
  | { kind: 'answered'; answered: Answered }
  | { kind: 'asked' }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'stopped' };

export type Conversation = Pick<ModelRequest, 'instructions' | 'messages' | 'standing'>;

/** Text reaches clients at most this often (ms): the design's floor, below which nobody sees a difference. */
const TEXT_INTERVAL_MS = 50;

/** Attempts at one answer, and how long (ms) waiting between them may take in all. */
const MAX_ATTEMPTS = 6;
const RETRY_DEADLINE_MS = 10 * 60_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;

/**
 * Asks until there is an answer, which is in the log then, or asking is of no use.
 * @param earlier attempts that were made before, by whoever ran the turn then
 */
export async function askModel(
  turn: TurnContext,
  agent: Agent,
  messageId: string,
  conversation: Conversation,
  earlier: number,
): Promise<Asked> {
  const { taskId, turnId } = turn;
  const signal = await agent.signal();
  const deadline = turn.now() + RETRY_DEADLINE_MS;

  for (let tried = 1; ; tried++) {
    if (await isStopped(turn, agent)) return { kind: 'stopped' };
    const attempt = earlier + tried;
    try {
      const { answer, model } = await callOnce(turn, agent, messageId, attempt, conversation, signal);
      const toolCalls = answer.toolCalls.map((call, index) => ({
        callId: callIdOf(messageId, index),
        ...call,
      }));
      const { text, usage } = answer;
      const answered: Answered = {
        type: 'model.answered',
        turnId,
        ...agent.by,
        messageId,
        attempt,
        text,
        toolCalls,
        model,
        usage,
      };
      await tell(turn, { key: `${messageId}:answered`, event: answered });
      return { kind: 'answered', answered };
    } catch (thrown) {
      if (await isStopped(turn, agent)) return { kind: 'stopped' };
      if (isOutOfHands(thrown)) throw thrown;
      const { error, retryable, retryAfterMs } = classify(thrown);
      const wait = retryAfterMs ?? backoff(tried, turn.random());
      const isLast = tried >= MAX_ATTEMPTS || turn.now() + wait > deadline;
      turn.logger.warn(
        { taskId, turnId, attempt, code: error.code, err: error.message },
        'model call failed',
      );
      if (!retryable || isLast) return { kind: 'failed', failure: toFailure(error) };
      await tell(turn, {
        key: `${messageId}:retried:${attempt}`,
        event: {
          type: 'model.retried',
          turnId,
          ...agent.by,
          messageId,
          attempt,
          reason: toFailure(error),
          delayMs: Math.round(wait),
        },
      });
      await delay(wait, undefined, { signal }).catch(() => {});
    }
  }
}

/** Exponential, capped, with full jitter on its upper half. */
function backoff(tried: number, random: number): number {
  const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1));
  return most / 2 + (most / 2) * random;
}

async function callOnce(
  turn: TurnContext,
  agent: Agent,
  messageId: string,
  attempt: number,
  conversation: Conversation,
  signal: AbortSignal,
): Promise<{ answer: ModelAnswer; model: string }> {
  const { turnId } = turn;
  const { by } = agent;
  const [choice] = turn.models(agent.modelRole, agent.model);
  if (choice === undefined) throw new TypeError('a role has no model');
  await tell(turn, {
    key: `${messageId}:called:${attempt}`,
    event: { type: 'model.called', turnId, ...by, messageId, attempt, model: choice.ref },
  });
  const stream = createTextStream(TEXT_INTERVAL_MS, (text, index) =>
    tell(turn, {
      key: `${messageId}:${attempt}:text:${index}`,
      event: { type: 'text.delta', turnId, ...by, messageId, attempt, text },
    }),
  );
  try {
    const answer = await turn.callModel(choice, {
      ...conversation,
      tools: agent.tools,
      signal,
      onText: stream.push,
    });
    return { answer, model: choice.ref };
  } finally {
    await stream.close();
  }
}
