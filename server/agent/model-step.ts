import { expansionOf } from '../handbook/expand.ts';
import type { ModelChoice } from '../models/choice.ts';
import type { Failure } from '../protocol/errors.ts';
import { deliveredEvent } from '../tasks/delivered.ts';
import { TurnOver } from '../tasks/turn-signals.ts';
import type { Agent } from './agent.ts';
import { type Answered, type Asked, askModel } from './ask-model.ts';
import type { Fitter } from './context/fit.ts';
import type { MediaLoader } from './context/media.ts';
import type { Tail } from './context/tail.ts';
import { takenBy } from './context/taken-by.ts';
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
  let earlier = 0;
  if (mayHaveBegun) {
    const recorded = await turn.log.find(turn.taskId, `${messageId}:answered`);
    if (recorded?.type === 'model.answered')
      return taken(transcript, { kind: 'answered', answered: recorded, begun: [] });
    earlier = (await turn.log.findAll(turn.taskId, `${messageId}:called:`)).length;
  }
  const standing = await tail.text(n);
  const conversation = {
    async for(model: ModelChoice) {
      if ((await fitter.fit(messageId, model)) === 'stopped') return 'stopped';
      const messages = await media.loaded(takenBy(model, transcript.messages(fitter.bounds(model))));
      return {
        instructions: agent.instructions,
        messages,
        ...(standing === undefined ? {} : { standing }),
      };
    },
    refusedBy: (model: ModelChoice, isCertain: boolean) => fitter.refused(messageId, model, isCertain),
  };
  return taken(transcript, await askModel(turn, agent, messageId, conversation, earlier));
}

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
