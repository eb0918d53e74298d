import { setTimeout as delay } from 'node:timers/promises';
import { toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import type { Message } from '../tasks/task-store.ts';
import type { ModelAnswer, ModelRequest } from './model.ts';
import { classify } from './model-errors.ts';
import { createTextStream } from './text-stream.ts';
import { tools } from './tools/registry.ts';
import { type Transcript, userMessage } from './transcript.ts';
import { isTurnOver, type TurnContext, tell } from './turn-context.ts';

/** A tool call with the identity that its step, its events and its command in the sandbox share. */
export interface ToolCall {
  callId: string;
  name: string;
  input: unknown;
}

export type ModelStep =
  | {
      kind: 'answered';
      delivered: Message[];
      text: string;
      toolCalls: ToolCall[];
      usage: ModelAnswer['usage'];
    }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'stopped' };

/** Text reaches clients at most this often (ms): the design's floor, below which nobody sees a difference. */
const TEXT_INTERVAL_MS = 50;

/** Attempts at one answer, and how long (ms) waiting between them may take in all. */
const MAX_ATTEMPTS = 6;
const RETRY_DEADLINE_MS = 10 * 60_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;

/**
 * One answer of the model, the `n`th of the turn. Messages that came meanwhile are read first. Safe to repeat: an answer
 * that was recorded in the log is not asked for again, and a broken one is superseded by the next attempt.
 */
export async function modelStep(
  turn: TurnContext,
  n: number,
  instructions: string,
  transcript: Transcript,
): Promise<ModelStep> {
  const { taskId, turnId, log, store } = turn;
  const messageId = `${turnId}:m${n}`;
  // Looked at before messages are taken: a turn that was stopped leaves them for the next one.
  if ((await turn.stops.of(taskId, turnId)).aborted) return { kind: 'stopped' };
  const delivered = await store.takeMessages(taskId, messageId);
  await tell(
    turn,
    ...delivered.map((message) => ({
      key: `message:${message.messageId}`,
      event: { type: 'message.delivered' as const, turnId, ...message },
    })),
  );
  const recorded = await log.find(taskId, `${messageId}:answered`);
  if (recorded?.type === 'model.answered') {
    const { text, toolCalls, usage } = recorded;
    return { kind: 'answered', delivered, text, toolCalls, usage };
  }

  const messages = [...transcript.messages(), ...delivered.map(userMessage)];
  return ask(turn, messageId, delivered, { instructions, messages });
}

type Conversation = Pick<ModelRequest, 'instructions' | 'messages'>;

async function ask(
  turn: TurnContext,
  messageId: string,
  delivered: Message[],
  conversation: Conversation,
): Promise<ModelStep> {
  const { taskId, turnId, log } = turn;
  const signal = await turn.stops.of(taskId, turnId);
  const earlier = (await log.findAll(taskId, `${messageId}:called:`)).length;
  const deadline = turn.now() + RETRY_DEADLINE_MS;

  for (let tried = 1; ; tried++) {
    if (signal.aborted) return { kind: 'stopped' };
    const attempt = earlier + tried;
    try {
      const answer = await callOnce(turn, messageId, attempt, conversation, signal);
      const toolCalls = answer.toolCalls.map((call, index) => ({ callId: `${messageId}c${index}`, ...call }));
      const { text, usage } = answer;
      await tell(turn, {
        key: `${messageId}:answered`,
        event: { type: 'model.answered', turnId, messageId, attempt, text, toolCalls, usage },
      });
      return { kind: 'answered', delivered, text, toolCalls, usage };
    } catch (thrown) {
      if (signal.aborted) return { kind: 'stopped' };
      if (isTurnOver(thrown)) throw thrown;
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
  messageId: string,
  attempt: number,
  conversation: Conversation,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  const { taskId, turnId } = turn;
  const settings = turn.modelSettings((await turn.store.get(taskId))?.spec.model);
  await tell(turn, {
    key: `${messageId}:called:${attempt}`,
    event: { type: 'model.called', turnId, messageId, attempt, model: settings.model },
  });
  const stream = createTextStream(TEXT_INTERVAL_MS, (text, index) =>
    tell(turn, {
      key: `${messageId}:${attempt}:text:${index}`,
      event: { type: 'text.delta', turnId, messageId, attempt, text },
    }),
  );
  try {
    return await turn.callModel(settings, {
      ...conversation,
      tools,
      signal,
      onText: stream.push,
    });
  } finally {
    await stream.close();
  }
}
