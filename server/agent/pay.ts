import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { ModelChoice, ModelRole } from '../models/choice.ts';
import { DEFAULT_MAX_OUTPUT, OTHERS_LOOK_MS, OTHERS_PATIENCE_MS } from '../models/limits.ts';
import { mostMicros, tokensAtMost } from '../models/price.ts';
import type { CallToPay, CapState, Caps } from '../models/spend.ts';
import { GO_ON, type Held, raiseFor, STOP_HERE, spendQuestion, type Told } from '../models/spend-question.ts';
import type { Answer } from '../protocol/commands.ts';
import type { Failure } from '../protocol/errors.ts';
import type { Agent } from './agent.ts';
import { type ModelAnswer, type ModelRequest, toolsOf } from './model.ts';
import { usedBy } from './model-errors.ts';
import { assertHeld, type TurnContext, tell } from './turn-context.ts';

/** The call was not made, for it could have gone past a cap. */
export class CallHeld extends Error {
  override readonly name = 'CallHeld';
  readonly held: Held;
  readonly caps: Caps;
  constructor(held: Held, caps: Caps) {
    super('a model call is held by a cap');
    this.held = held;
    this.caps = caps;
  }
}

/** What a call is, as far as its money goes. */
export interface Payable {
  /** Identity of the call, the same for each attempt at it. */
  messageId: string;
  role: ModelRole;
  choice: ModelChoice;
  request: Pick<ModelRequest, 'instructions' | 'messages' | 'standing' | 'tools'>;
}

/**
 * Has a model call made within the caps that apply: the most that it can cost is reserved before, and what it cost is entered
 * afterwards. Where no cap applies, it is only made.
 * @param make makes it, with the model as given
 * @throws {CallHeld} where it is not made
 * @throws {AppError} `model_not_configured` where what it costs is not known, and a cap is to hold
 */
export async function payFor(
  turn: TurnContext,
  agent: Agent,
  { messageId, role, choice, request }: Payable,
  make: (choice: ModelChoice) => Promise<ModelAnswer>,
): Promise<ModelAnswer> {
  const caps = turn.spend.caps();
  if (caps === undefined) return make(choice);
  const { ref: model, price, maxOutput = DEFAULT_MAX_OUTPUT, window } = choice;
  if (price === undefined) throw noPrice(model);
  const { instructions, messages, standing, tools } = request;
  const sent = tokensAtMost([instructions, messages, standing, await toolsOf(tools)], window);
  const needed = mostMicros(price, sent, maxOutput);
  const { taskId, turnId } = turn;
  const { agentId } = agent.by;
  const token = randomUUID();
  const call = { messageId, token, taskId, turnId, agentId, role, model, mostMicros: needed };
  const state = await reserve(turn, agent, call, caps);
  if (state) {
    const { cap, limitMicros, usedMicros } = state;
    throw new CallHeld({ cap, limitMicros, usedMicros, neededMicros: needed }, caps);
  }
  let answer: ModelAnswer;
  try {
    answer = await make({ ...choice, maxOutput });
  } catch (error) {
    const usage = usedBy(error);
    if (usage) await turn.spend.settleFailed(messageId, token, usage);
    else await turn.spend.release(messageId, token);
    throw error;
  }
  // Before the answer is told: whoever is killed in between makes the call again, in place of this entry.
  await turn.spend.settle(messageId, token, answer.usage);
  return answer;
}

/** Waits for calls that are under way, where only what is reserved for them is in the way: most of it will not be used. */
async function reserve(
  turn: TurnContext,
  agent: Agent,
  call: CallToPay,
  caps: Caps,
): Promise<CapState | undefined> {
  const signal = await agent.signal();
  const patience = turn.now() + OTHERS_PATIENCE_MS;
  for (;;) {
    const state = await turn.spend.reserve(call, caps);
    if (state === undefined) return undefined;
    const { settledMicros, limitMicros } = state;
    const isForOthers = settledMicros + call.mostMicros <= limitMicros;
    if (!isForOthers || turn.now() > patience) return state;
    signal.throwIfAborted();
    await delay(OTHERS_LOOK_MS, undefined, { signal });
  }
}

/**
 * What becomes of a call that is held: the person is asked, once for all agents of the turn that are; and what they answered is done.
 * @param heeded questions after whose answer this call was tried again already: each is good for one try of every agent, also where
 *   it adds nothing to the cap, for there may be room by now
 * @returns `again` where they let it go on
 */
export async function settleHeld(
  turn: TurnContext,
  agent: Agent,
  messageId: string,
  { held, caps }: CallHeld,
  heeded: Set<string>,
): Promise<
  { kind: 'again' } | { kind: 'asked' } | { kind: 'stopped' } | { kind: 'failed'; failure: Failure }
> {
  const { taskId, turnId } = turn;
  const events = await turn.log.findAll(taskId, `${turnId}:spend:`);
  const asked = events.filter((event) => event.type === 'question.asked');
  const holds = events.filter((event) => event.type === 'spend.held');
  const answers = new Map(
    events.flatMap((event) => (event.type === 'question.answered' ? [[event.questionId, event.answer]] : [])),
  );

  for (const [at, { questionId }] of asked.entries()) {
    const hold = holds[at];
    if (!isChoice(answers.get(questionId), GO_ON) || hold === undefined) continue;
    const { cap, raiseMicros: micros = 0 } = hold;
    await turn.spend.raise({ questionId, taskId, turnId, cap, micros });
  }

  const last = asked.at(-1);
  const answer = last && answers.get(last.questionId);
  if (last && answer === undefined) return { kind: 'asked' };
  if (last && isChoice(answer, GO_ON) && !heeded.has(last.questionId)) {
    heeded.add(last.questionId);
    return { kind: 'again' };
  }
  if (isChoice(answer, STOP_HERE)) {
    if (agent.isLead) return { kind: 'failed', failure: STOPPED };
    // Whoever it works for would go on without it.
    await assertHeld(turn);
    await turn.store.locked(taskId, (tx) => tx.requestStop(turnId));
    return { kind: 'stopped' };
  }

  const { cap } = held;
  const mayRaise = cap === 'turn' || cap === 'task' || (await turn.spend.ownsRelay(taskId));
  const raiseMicros = mayRaise ? raiseFor(caps[cap] ?? 0, held) : 0;
  // What all others spend is not theirs to know.
  const { neededMicros, limitMicros, usedMicros } = held;
  const told: Told = { cap, neededMicros, ...(mayRaise || cap !== 'day' ? { limitMicros, usedMicros } : {}) };
  // By the count and not by the call: several that are held at once ask one question.
  const questionId = `${turnId}:spend:${asked.length}`;
  await tell(
    turn,
    {
      key: `${questionId}:held`,
      event: { type: 'spend.held', turnId, ...agent.by, messageId, ...told, raiseMicros },
    },
    {
      key: `${questionId}:asked`,
      event: {
        type: 'question.asked',
        turnId,
        questionId,
        about: 'spend',
        ...spendQuestion(told, raiseMicros),
      },
    },
  );
  return { kind: 'asked' };
}

const isChoice = (answer: Answer | undefined, label: string): boolean =>
  answer?.kind === 'choice' && answer.label === label;

const STOPPED: Failure = {
  code: 'spend_held',
  message: 'The turn ended before a model call that could have gone past a cap on spending, as you chose.',
  nextAction: 'What was done is kept. Send a message to go on: you will be asked again.',
};

const noPrice = (model: string): AppError =>
  new AppError('model_not_configured', `A cap on spending is set, and what ${model} costs is not known.`, {
    nextAction:
      'Set its price (HANDOFF_MODEL_PRICE, or price in HANDOFF_MODELS), or remove the cap; then send a message to go on.',
  });
