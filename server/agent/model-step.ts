import { setTimeout as delay } from 'node:timers/promises';
import { toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import type { EventOf } from '../protocol/events.ts';
import { TurnOver } from '../tasks/turn-signals.ts';
import type { Agent } from './agent.ts';
import { callIdOf, messageIdOf } from './ids.ts';
import type { ModelAnswer, ModelRequest } from './model.ts';
import { classify } from './model-errors.ts';
import { createTextStream } from './text-stream.ts';
import type { Transcript } from './transcript.ts';
import { isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';

/** A tool call with the identity that its step, its events and its command in the sandbox share. */
export interface ToolCall {
  callId: string;
  name: string;
  input: unknown;
}

export type ModelStep =
  | {
      kind: 'answered';
      text: string;
      toolCalls: ToolCall[];
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
 * One answer of the model, the agent's `n`th in the turn. Messages that came meanwhile are read first, by the lead. Safe to
 * repeat: an answer that is in the log is not asked for again, and a broken one is superseded by the next attempt. What was
 * read and answered is in the transcript afterwards.
 * @param mayHaveBegun whether an earlier try of it can have left something in the log
 */
export async function modelStep(
  turn: TurnContext,
  agent: Agent,
  n: number,
  transcript: Transcript,
  mayHaveBegun: boolean,
): Promise<ModelStep> {
  const messageId = messageIdOf(agent, n);
  // Looked at before messages are taken: a turn that was stopped leaves them for the next one.
  if (await isStopped(turn)) return { kind: 'stopped' };
  if (agent.isLead) {
    for (const detail of turn.takeMachineNews(turn.taskId))
      transcript.add({ type: 'sandbox.changed', state: 'running', detail, isNews: true });
    await deliver(turn, messageId, transcript);
  }
  if (!mayHaveBegun) return ask(turn, agent, messageId, transcript, 0);
  const recorded = await turn.log.find(turn.taskId, `${messageId}:answered`);
  if (recorded?.type === 'model.answered') return taken(transcript, recorded);
  const attempts = (await turn.log.findAll(turn.taskId, `${messageId}:called:`)).length;
  return ask(turn, agent, messageId, transcript, attempts);
}

/**
 * The person's messages that nobody has read yet, and those that an earlier try of this very step read. Taken and told in one: what is
 * taken by a relay that is no longer to speak would be read by nobody.
 */
async function deliver(turn: TurnContext, messageId: string, transcript: Transcript): Promise<void> {
  const { taskId, turnId, claim, store } = turn;
  if (!(await store.hasMessagesFor(taskId, messageId))) return;
  const delivered = await store.locked(taskId, async (tx) => {
    const messages = await tx.takeMessages(messageId);
    const events = messages.map((message) => ({ type: 'message.delivered' as const, turnId, ...message }));
    const keyed = events.map((event) => ({ key: `message:${event.messageId}`, event }));
    if (!(await tx.append(claim, keyed))) throw new TurnOver();
    return events;
  });
  for (const event of delivered) transcript.add(event);
}

type Answered = Omit<EventOf<'model.answered'>, 'seq' | 'at'>;

function taken(transcript: Transcript, answered: Answered): ModelStep {
  transcript.add(answered);
  return { kind: 'answered', text: answered.text, toolCalls: answered.toolCalls };
}

async function ask(
  turn: TurnContext,
  agent: Agent,
  messageId: string,
  transcript: Transcript,
  earlier: number,
): Promise<ModelStep> {
  const { taskId, turnId } = turn;
  const signal = await turn.signals.of(turn.claim);
  const deadline = turn.now() + RETRY_DEADLINE_MS;
  const conversation = { instructions: agent.instructions, messages: transcript.messages() };

  for (let tried = 1; ; tried++) {
    if (await isStopped(turn)) return { kind: 'stopped' };
    const attempt = earlier + tried;
    try {
      const answer = await callOnce(turn, agent, messageId, attempt, conversation, signal);
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
        usage,
      };
      await tell(turn, { key: `${messageId}:answered`, event: answered });
      return taken(transcript, answered);
    } catch (thrown) {
      if (await isStopped(turn)) return { kind: 'stopped' };
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
  conversation: Pick<ModelRequest, 'instructions' | 'messages'>,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  const { turnId } = turn;
  const { by } = agent;
  const settings = turn.modelSettings(agent.model);
  await tell(turn, {
    key: `${messageId}:called:${attempt}`,
    event: { type: 'model.called', turnId, ...by, messageId, attempt, model: settings.model },
  });
  const stream = createTextStream(TEXT_INTERVAL_MS, (text, index) =>
    tell(turn, {
      key: `${messageId}:${attempt}:text:${index}`,
      event: { type: 'text.delta', turnId, ...by, messageId, attempt, text },
    }),
  );
  try {
    return await turn.callModel(settings, {
      ...conversation,
      tools: agent.tools,
      signal,
      onText: stream.push,
    });
  } finally {
    await stream.close();
  }
}
