import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { RelayError } from '../../../server/protocol/client.ts';
import type { Watch } from '../../relay/turn/watch.ts';
import type { KeptRelay } from '../support/kept-relay.ts';
import type { Site } from '../support/site.ts';
import { assertGapless } from '../turns/outcome.ts';
import type { Puppet } from './puppet.ts';

/** A message as the person knows it: what they sent, and what of their second thoughts was accepted. */
export interface Sent {
  messageId: string;
  text: string;
  isWithdrawn: boolean;
}

/** Whose move it is: the model's, the person's because of a question, or the person's because no turn runs. */
export type Phase = 'model' | 'parked' | 'idle';

/** One conversation, as the person sees it. */
export interface Talk {
  opening: string;
  taskId: string;
  turnId: string;
  turns: Set<string>;
  phase: Phase;
  /** In the order in which they were sent. */
  sent: Sent[];
  watch: Watch;
}

/** What commands act on: one relay, several tasks. */
export interface World {
  site: Site;
  puppet: Puppet;
  relay: KeptRelay;
  talks: Talk[];
}

/** What any command may rely on; every second thought that was accepted or refused is counted, so that neither goes untested. */
export const seconds = { accepted: 0, refused: 0 };

export async function openTalk({ site }: Pick<World, 'site'>): Promise<Talk> {
  const opening = `Begin ${randomUUID()}`;
  const { taskId, turnId, clientId } = await site.delegate(opening);
  const first: Sent = { messageId: clientId, text: opening, isWithdrawn: false };
  return {
    opening,
    taskId,
    turnId,
    turns: new Set([turnId]),
    phase: 'model',
    sent: [first],
    watch: site.watch(taskId),
  };
}

/** Sends a message, or one that was sent before once more. */
export async function send({ site }: World, talk: Talk, message: Sent): Promise<void> {
  const { client, insist } = site.person;
  const { messageId: clientId, text } = message;
  if (!talk.sent.includes(message)) talk.sent.push(message);
  const answer = await insist(() => client.sendMessage(talk.taskId, { clientId, text }));
  assert.equal(answer.messageId, clientId);
  if (!talk.turns.has(answer.turnId)) {
    talk.turns.add(answer.turnId);
    talk.turnId = answer.turnId;
    talk.phase = 'model';
  } else if (answer.disposition === 'queued' && talk.phase === 'parked') talk.phase = 'model';
}

/** Has the model answer, once it is asked; and sees whose move it is then. */
export async function answerAs({ puppet }: World, talk: Talk, kind: 'tool' | 'ask' | 'end'): Promise<void> {
  await puppet.asked(talk.opening);
  const questions = questionsOf(talk).length;
  if (kind === 'tool') {
    puppet.answer(talk.opening, { toolCalls: [{ name: 'read', arguments: { path: 'README.md' } }] });
    return;
  }
  if (kind === 'ask') {
    puppet.answer(talk.opening, { toolCalls: [{ name: 'ask_user', arguments: { question: 'Which?' } }] });
    const parked = talk.watch
      .until('turn.parked', () => questionsOf(talk).length > questions && isParked(talk))
      .then((): Phase => 'parked');
    talk.phase = await Promise.race([parked, goesOn(puppet, talk)]);
    return;
  }
  puppet.answer(talk.opening, { text: 'Done.' });
  talk.phase = await Promise.race([hasEnded(talk), goesOn(puppet, talk)]);
}

/** A message came in between, so the model is asked once more. */
const goesOn = (puppet: Puppet, talk: Talk): Promise<Phase> =>
  puppet.asked(talk.opening).then((): Phase => 'model');

export const hasEnded = (talk: Talk): Promise<Phase> =>
  talk.watch.until('turn.ended', ({ turnId }) => turnId === talk.turnId).then((): Phase => 'idle');

const questionsOf = ({ watch }: Talk) => watch.events.filter((event) => event.type === 'question.asked');

/** Nothing followed the last parking. */
function isParked({ watch }: Talk): boolean {
  return watch.events.at(-1)?.type === 'turn.parked';
}

export async function answerQuestion({ site }: World, talk: Talk): Promise<void> {
  const { client, insist } = site.person;
  const questionId = questionsOf(talk).at(-1)?.questionId ?? '';
  await insist(() => client.answer(talk.taskId, { questionId, answer: { kind: 'text', text: 'This one' } }));
  talk.phase = 'model';
}

export async function stop({ site }: World, talk: Talk): Promise<void> {
  const { client, insist } = site.person;
  await insist(() => client.stop(talk.taskId));
  if (talk.phase !== 'idle') talk.phase = await hasEnded(talk);
}

/** Changes or takes back a message; a refusal is that it was read already. */
export async function thinkAgain(
  { site }: World,
  talk: Talk,
  message: Sent,
  text: string | null,
): Promise<void> {
  const { client, insist } = site.person;
  const { messageId } = message;
  try {
    await insist(() =>
      text === null
        ? client.withdrawMessage(talk.taskId, messageId)
        : client.editMessage(talk.taskId, messageId, { text }),
    );
    if (text === null) message.isWithdrawn = true;
    else message.text = text;
    seconds.accepted += 1;
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== 'already_delivered') throw error;
    seconds.refused += 1;
  }
}

/** Has everything read that can be, and says whether all that was promised was kept. */
export async function settleAndCheck(world: World, talk: Talk): Promise<void> {
  await send(world, talk, { messageId: randomUUID(), text: 'That was all', isWithdrawn: false });
  while (talk.phase === 'model') await answerAs(world, talk, 'end');

  const { events } = talk.watch;
  assertGapless(events);
  const expected = talk.sent.filter(({ isWithdrawn }) => !isWithdrawn).map(({ text }) => text);
  const delivered = events.flatMap((event) => (event.type === 'message.delivered' ? [event.text] : []));
  assert.deepEqual(delivered, expected, 'each message was delivered once, in order, as it was last worded');
  const read = world.site.model.requests
    .filter(({ messages }) => messages.some(({ content }) => content === talk.opening))
    .at(-1);
  assert.deepEqual(
    read?.messages.filter(({ role }) => role === 'user').map(({ content }) => content),
    expected,
    'and so the model read it',
  );
  const state = await world.site.person.insist(() => world.site.person.client.getTask(talk.taskId));
  assert.deepEqual(state.queue, [], 'nothing is left in the queue');
}
