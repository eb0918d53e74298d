import { expansionOf } from '../handbook/expand.ts';
import type { Failure } from '../protocol/errors.ts';
import { deliveredEvent } from '../tasks/delivered.ts';
import { TurnOver } from '../tasks/turn-signals.ts';
import type { Agent } from './agent.ts';
import { type Answered, type Asked, askModel } from './ask-model.ts';
import type { Fitter } from './context/fit.ts';
import type { MediaLoader } from './context/media.ts';
import type { Tail } from './context/tail.ts';
import { messageIdOf } from './ids.ts';
import type { ToolCall } from './tool-call.ts';
import type { Transcript } from './transcript.ts';
import { isStopped, type TurnContext } from './turn-context.ts';

/** An agent's conversation, and what keeps it of use: within the model's window, and with what it must not lose sight of. */
export interface Talk {
  transcript: Transcript;
  fitter: Fitter;
  tail: Tail;
  media: MediaLoader;
}

export type ModelStep =
  | {
      kind: 'answered';
      text: string;
      toolCalls: ToolCall[];
      /** Of these, what is told to have started. */
      begun: readonly ToolCall[];
    }
  /** The person has to say first whether it may be made. */
  | { kind: 'asked' }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'stopped' };

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
  { transcript, fitter, tail, media }: Talk,
  mayHaveBegun: boolean,
): Promise<ModelStep> {
  const messageId = messageIdOf(agent, n);
  // Looked at before messages are taken: a turn that was stopped leaves them for the next one.
  if (await isStopped(turn, agent)) return { kind: 'stopped' };
  if (agent.isLead) {
    for (const detail of turn.takeMachineNews(turn.taskId))
      transcript.add({ type: 'sandbox.changed', state: 'running', detail, isNews: true });
    // A try of this very step may have taken some, and been killed before it did anything with them.
    if (mayHaveBegun || turn.mail.mayBeThere) await deliver(turn, agent, messageId, transcript);
  }
  const calledBefore = async (): Promise<number> =>
    (await turn.log.findAll(turn.taskId, `${messageId}:called:`)).length;
  const ask = async (earlier: number): Promise<Asked> => {
    const standing = await tail.text();
    const messages = await media.loaded(transcript.messages(fitter.bounds()));
    const said = {
      instructions: agent.instructions,
      messages,
      ...(standing === undefined ? {} : { standing }),
    };
    return askModel(turn, agent, messageId, said, earlier);
  };
  if (mayHaveBegun) {
    const recorded = await turn.log.find(turn.taskId, `${messageId}:answered`);
    if (recorded?.type === 'model.answered')
      return taken(transcript, { kind: 'answered', answered: recorded, begun: [] });
  }
  if ((await fitter.fit(messageId)) === 'stopped') return { kind: 'stopped' };
  const asked = await ask(mayHaveBegun ? await calledBefore() : 0);
  if (asked.kind !== 'failed' || !REFUSALS.has(asked.failure.code)) return taken(transcript, asked);
  // A provider may take less than the settings say.
  const fitted = await fitter.refused(messageId, asked.failure.code === 'context_too_long');
  if (fitted === 'stopped') return { kind: 'stopped' };
  return taken(transcript, fitted === 'cut' ? await ask(await calledBefore()) : asked);
}

/** Failures that may be about a request's length. */
const REFUSALS: ReadonlySet<string> = new Set(['context_too_long', 'model_rejected']);

/**
 * The person's messages that nobody has read yet, and those that an earlier try of this very step read. Taken and told in one: what is
 * taken by a relay that is no longer to speak would be read by nobody.
 */
async function deliver(
  turn: TurnContext,
  agent: Agent,
  messageId: string,
  transcript: Transcript,
): Promise<void> {
  const { taskId, turnId, claim, store } = turn;
  // Before looking: word of a message that comes meanwhile is kept.
  turn.mail.mayBeThere = false;
  if (!(await store.hasMessagesFor(taskId, messageId))) return;
  const delivered = await store.locked(taskId, async (tx) => {
    const messages = await tx.takeMessages(messageId);
    const events = messages.map((message) => deliveredEvent(turnId, message));
    const expanded = events.flatMap((event) => expansionOf(event, agent.handbook?.commands ?? []));
    const keyed = events.map((event) => ({ key: `message:${event.messageId}`, event }));
    if (!(await tx.append(claim, [...keyed, ...expanded]))) throw new TurnOver();
    return { events, expanded };
  });
  for (const event of delivered.events) {
    transcript.add(event);
    agent.heard?.(event);
  }
  for (const { event } of delivered.expanded) transcript.add(event);
}

function taken(transcript: Transcript, asked: Asked): ModelStep {
  if (asked.kind !== 'answered') return asked;
  const answered: Answered = asked.answered;
  transcript.add(answered);
  return { kind: 'answered', text: answered.text, toolCalls: answered.toolCalls, begun: asked.begun };
}
