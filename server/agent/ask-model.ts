import { setTimeout as delay } from 'node:timers/promises';
import { toFailure } from '../errors.ts';
import { createAttempts } from '../models/attempts.ts';
import type { ModelChoice } from '../models/choice.ts';
import type { Failure } from '../protocol/errors.ts';
import type { EventOf } from '../protocol/events.ts';
import type { Agent } from './agent.ts';
import { callIdOf } from './ids.ts';
import type { ModelAnswer, ModelRequest } from './model.ts';
import { classify, type ModelFailure } from './model-errors.ts';
import { CallHeld, payFor, settleHeld } from './pay.ts';
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

/**
 * Asks until there is an answer, which is in the log then, or asking is of no use: the models of the agent's role, from one to the next
 * where one is out of service.
 * @param earlier attempts that were made before, by whoever ran the turn then
 */
export async function askModel(
  turn: TurnContext,
  agent: Agent,
  messageId: string,
  conversation: Conversation,
  earlier: number,
): Promise<Asked> {
  const { turnId } = turn;
  const signal = await agent.signal();
  const attempts = createAttempts<ModelChoice>(turn.health, turn.now, turn.random);
  const modelsNow = (): ModelChoice[] => turn.models(agent.modelRole, agent.model);

  for (let attempt = earlier + 1; ; ) {
    if (await isStopped(turn, agent)) return { kind: 'stopped' };
    let choice: ModelChoice | undefined;
    try {
      choice = attempts.pick(modelsNow());
      if (choice === undefined) throw new TypeError('a role has no model');
      const answer = await callOnce(turn, agent, { messageId, attempt, choice, conversation, signal });
      turn.health.well(choice.ref);
      return {
        kind: 'answered',
        answered: await tellAnswer(turn, agent, messageId, attempt, choice, answer),
      };
    } catch (thrown) {
      if (await isStopped(turn, agent)) return { kind: 'stopped' };
      if (isOutOfHands(thrown)) throw thrown;
      if (thrown instanceof CallHeld) {
        const settled = await settleHeld(turn, agent, messageId, thrown);
        if (settled.kind === 'again') continue;
        return settled;
      }
      const failure = classify(thrown);
      const again = choice && attempts.failed(choice, failure, modelsNow());
      note(turn, attempt, choice, failure);
      if (choice === undefined || again === undefined)
        return { kind: 'failed', failure: toFailure(failure.error) };
      const { delayMs, next } = again;
      await tell(turn, {
        key: `${messageId}:retried:${attempt}`,
        event: {
          type: 'model.retried',
          turnId,
          ...agent.by,
          messageId,
          attempt,
          reason: toFailure(failure.error),
          delayMs: Math.round(delayMs),
          ...(next.ref === choice.ref ? {} : { next: next.ref }),
        },
      });
      attempt += 1;
      if (delayMs > 0) await delay(delayMs, undefined, { signal }).catch(() => {});
    }
  }
}

function note(
  { logger, taskId, turnId }: TurnContext,
  attempt: number,
  choice: ModelChoice | undefined,
  { error }: ModelFailure,
): void {
  const { code, message: err } = error;
  logger.warn({ taskId, turnId, attempt, model: choice?.ref, code, err }, 'model call failed');
}

async function tellAnswer(
  turn: TurnContext,
  agent: Agent,
  messageId: string,
  attempt: number,
  { ref: model }: ModelChoice,
  { text, toolCalls, usage, isCut }: ModelAnswer,
): Promise<Answered> {
  const answered: Answered = {
    type: 'model.answered',
    turnId: turn.turnId,
    ...agent.by,
    messageId,
    attempt,
    text,
    toolCalls: toolCalls.map((call, index) => ({ callId: callIdOf(messageId, index), ...call })),
    ...(isCut ? { isCut } : {}),
    model,
    usage,
  };
  await tell(turn, { key: `${messageId}:answered`, event: answered });
  return answered;
}

interface OneCall {
  messageId: string;
  attempt: number;
  choice: ModelChoice;
  conversation: Conversation;
  signal: AbortSignal;
}

function callOnce(
  turn: TurnContext,
  agent: Agent,
  { messageId, attempt, choice, conversation, signal }: OneCall,
): Promise<ModelAnswer> {
  const { turnId } = turn;
  const { by, tools, modelRole: role } = agent;
  const request = { ...conversation, tools };
  return payFor(turn, agent, { messageId, role, choice, request }, async (allowed) => {
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
      return await turn.callModel(allowed, { ...request, signal, onText: stream.push });
    } finally {
      await stream.close();
    }
  });
}
