import { setTimeout as delay } from 'node:timers/promises';
import { AppError, toFailure } from '../errors.ts';
import { createAttempts } from '../models/attempts.ts';
import type { ModelChoice } from '../models/choice.ts';
import type { Failure } from '../protocol/errors.ts';
import type { EventOf } from '../protocol/events.ts';
import type { KeyedEvent } from '../tasks/event-log.ts';
import type { Agent } from './agent.ts';
import type { Fitted } from './context/fit.ts';
import { type HeldEvents, holdEvents } from './held-events.ts';
import { callIdOf } from './ids.ts';
import type { ModelAnswer, ModelRequest } from './model.ts';
import { brokenOff, classify, type ModelFailure, usedBy } from './model-errors.ts';
import { CallHeld, payFor, settleHeld } from './pay.ts';
import { createTextStream } from './text-stream.ts';
import { begunAtOnce, startedEvent, type ToolCall } from './tool-call.ts';
import { isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';

export type Answered = Omit<EventOf<'model.answered'>, 'seq' | 'at'>;

/** What asking a model came to. `asked`: the person has to say first whether the call may be made. */
export type Asked =
  /** `begun`: of the calls that it asks for, those that are told to have started. */
  | { kind: 'answered'; answered: Answered; begun: readonly ToolCall[] }
  | { kind: 'asked' }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'stopped' };

type Said = Pick<ModelRequest, 'instructions' | 'messages' | 'standing'>;

/** What is to be asked, as each of the models takes it. */
export interface Conversation {
  /** Within the model's window: cut for that where it has to be, in the log first. */
  for(choice: ModelChoice): Promise<Said | 'stopped'>;
  /** The model took it for too long, for certain or perhaps. @returns `cut` where it is shorter now */
  refusedBy(choice: ModelChoice, isCertain: boolean): Promise<Fitted>;
}

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
  const attemptsAnew = () => createAttempts<ModelChoice>(turn.health, turn.now, turn.random);
  let attempts = attemptsAnew();
  /** The first that perhaps takes less than its settings say: it refused, and gave no reason. */
  let suspect: ModelChoice | undefined;
  const heeded = new Set<string>();
  const modelsNow = (): ModelChoice[] => turn.models(agent.modelRole, agent.model);

  for (let attempt = earlier + 1; ; ) {
    if (await isStopped(turn, agent)) return { kind: 'stopped' };
    const choice = picked(() => attempts.pick(modelsNow()));
    if (choice instanceof AppError) return { kind: 'failed', failure: toFailure(choice) };
    const said = await conversation.for(choice);
    if (said === 'stopped') return { kind: 'stopped' };
    try {
      const call = { messageId, attempt, choice, said, signal };
      const { answer, called } = await callOnce(turn, agent, call);
      turn.health.well(choice.ref);
      return { kind: 'answered', ...(await tellAnswer(turn, agent, call, answer, called)) };
    } catch (thrown) {
      if (await isStopped(turn, agent)) return { kind: 'stopped' };
      if (isOutOfHands(thrown)) throw thrown;
      if (thrown instanceof CallHeld) {
        const settled = await settleHeld(turn, agent, messageId, thrown, heeded);
        if (settled.kind === 'again') continue;
        return settled;
      }
      const failure = classify(thrown);
      note(turn, attempt, choice, failure);
      const spent = spentEvents(turn, agent, { messageId, attempt, choice }, thrown);
      if (failure.tooLong === 'perhaps') suspect ??= choice;
      let fitted = failure.tooLong === 'certainly' ? await conversation.refusedBy(choice, true) : 'fits';
      const again = fitted === 'fits' ? attempts.failed(choice, failure, modelsNow()) : undefined;
      if (again === undefined) {
        await tell(turn, ...spent);
        // A cut is for good: without a reason for it, all others are asked before.
        if (fitted === 'fits' && suspect) fitted = await conversation.refusedBy(suspect, false);
        if (fitted === 'stopped') return { kind: 'stopped' };
        if (fitted === 'fits') return { kind: 'failed', failure: toFailure(failure.error) };
        attempts = attemptsAnew();
        attempt += 1;
        continue;
      }
      const { delayMs, next } = again;
      await tell(turn, ...spent, {
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

/** @returns why there is nobody to be asked, where that is so */
function picked(pick: () => ModelChoice | undefined): ModelChoice | AppError {
  try {
    return pick() ?? brokenOff();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function note(
  { logger, taskId, turnId }: TurnContext,
  attempt: number,
  { ref: model }: ModelChoice,
  { error }: ModelFailure,
): void {
  const { code, message: err } = error;
  logger.warn({ taskId, turnId, attempt, model, code, err }, 'model call failed');
}

function calledEvent(
  { turnId }: TurnContext,
  { by }: Agent,
  messageId: string,
  attempt: number,
  { ref: model }: ModelChoice,
): KeyedEvent {
  return {
    key: `${messageId}:called:${attempt}`,
    event: { type: 'model.called', turnId, ...by, messageId, attempt, model },
  };
}

/** What a call used though it failed. */
function spentEvents(
  { turnId }: TurnContext,
  { by }: Agent,
  { messageId, attempt, choice }: Pick<OneCall, 'messageId' | 'attempt' | 'choice'>,
  thrown: unknown,
): KeyedEvent[] {
  const usage = usedBy(thrown);
  if (usage === undefined) return [];
  const event = { type: 'model.spent' as const, turnId, ...by, messageId, attempt, model: choice.ref, usage };
  return [{ key: `${messageId}:spent:${attempt}`, event }];
}

/** What an answer asks for first is begun next: it is told with it. */
async function tellAnswer(
  turn: TurnContext,
  agent: Agent,
  { messageId, attempt, choice }: OneCall,
  { text, toolCalls: requested, usage, isCut }: ModelAnswer,
  called: HeldEvents,
): Promise<{ answered: Answered; begun: readonly ToolCall[] }> {
  const toolCalls = requested.map((call, index) => ({ callId: callIdOf(messageId, index), ...call }));
  const answered: Answered = {
    type: 'model.answered',
    turnId: turn.turnId,
    ...agent.by,
    messageId,
    attempt,
    text,
    toolCalls,
    ...(isCut ? { isCut } : {}),
    model: choice.ref,
    usage,
  };
  const begun = begunAtOnce(agent, toolCalls);
  const started = begun.map((call) => startedEvent(turn, agent, call));
  await called.tell({ key: `${messageId}:answered`, event: answered }, ...started);
  return { answered, begun };
}

interface OneCall {
  messageId: string;
  attempt: number;
  choice: ModelChoice;
  said: Said;
  signal: AbortSignal;
}

/** @returns the answer, and word of the call, which is told with the first that comes of it */
async function callOnce(
  turn: TurnContext,
  agent: Agent,
  { messageId, attempt, choice, said, signal }: OneCall,
): Promise<{ answer: ModelAnswer; called: HeldEvents }> {
  const { turnId } = turn;
  const { by, tools, modelRole: role } = agent;
  const request = { ...said, tools };
  const word = calledEvent(turn, agent, messageId, attempt, choice);
  let called: HeldEvents | undefined;
  const answer = await payFor(turn, agent, { messageId, role, choice, request }, async (allowed) => {
    const held = holdEvents(turn, TEXT_INTERVAL_MS, word);
    called = held;
    const stream = createTextStream(TEXT_INTERVAL_MS, (text, index) =>
      held.tell({
        key: `${messageId}:${attempt}:text:${index}`,
        event: { type: 'text.delta', turnId, ...by, messageId, attempt, text },
      }),
    );
    try {
      return await turn.callModel(allowed, { ...request, signal, onText: stream.push });
    } catch (error) {
      await held.tell();
      throw error;
    } finally {
      await stream.close();
    }
  });
  return { answer, called: called ?? holdEvents(turn, TEXT_INTERVAL_MS, word) };
}
