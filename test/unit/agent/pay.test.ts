import assert from 'node:assert/strict';
import type { Agent } from '../../../server/agent/agent.ts';
import { CallHeld, settleHeld } from '../../../server/agent/pay.ts';
import type { TurnContext } from '../../../server/agent/turn-context.ts';
import type { Raise } from '../../../server/models/spend.ts';
import type { NewEvent } from '../../../server/protocol/events.ts';

const T = 'turn';

/** A turn whose agents are held, with its log and the word of the person in memory. */
function heldTurn(ownsRelay = true) {
  const log = new Map<string, NewEvent>();
  const raises: Raise[] = [];
  const heeded = new Map<string, Set<string>>();
  const tell = (events: { key: string; event: NewEvent }[]): void => {
    for (const { key, event } of events) if (!log.has(key)) log.set(key, event);
  };
  const turn = {
    ...{ taskId: 'task', turnId: T, claim: {}, mail: { mayBeThere: false } },
    log: {
      findAll: async () => [...log.values()],
      append: async (_task: string, _claim: object, events: { key: string; event: NewEvent }[]) => {
        tell(events);
        return { seq: log.size, hasMessages: false };
      },
    },
    spend: {
      raise: async (raise: Raise) => void raises.push(raise),
      ownsRelay: async () => ownsRelay,
    },
  } as unknown as TurnContext;
  const agent = (agentId: string) => ({ by: { agentId }, isLead: false }) as unknown as Agent;
  const ask = async (agentId: string, limitMicros: number, cap: 'turn' | 'day' = 'turn') => {
    const held = { cap, limitMicros, usedMicros: 90, neededMicros: 20 };
    const before = heeded.get(agentId) ?? new Set();
    heeded.set(agentId, before);
    const call = new CallHeld(held, { [cap]: 100 });
    return (await settleHeld(turn, agent(agentId), `${agentId}:m1`, call, before)).kind;
  };
  const goOn = (at: number): void =>
    tell([
      {
        key: `${T}:spend:${at}:answered`,
        event: {
          type: 'question.answered',
          turnId: T,
          questionId: `${T}:spend:${at}`,
          answer: { kind: 'choice', label: 'Go on' },
        } as NewEvent,
      },
    ]);
  const questions = () => [...log.values()].filter(({ type }) => type === 'question.asked').length;
  return { ask, goOn, questions, log };
}

describe('agents that are held by a cap', () => {
  it('ask once, and all go on by one word; again only where that was not enough', async () => {
    const { ask, goOn, questions } = heldTurn();
    assert.deepEqual([await ask('a', 100), await ask('b', 100), questions()], ['asked', 'asked', 1]);
    goOn(0);
    assert.deepEqual([await ask('a', 100), await ask('b', 100), questions()], ['again', 'again', 1]);
    assert.deepEqual([await ask('b', 200), questions()], ['asked', 2]);
  });

  it('all try again after one word that adds nothing to the cap, and ask once more for all of them where that was in vain', async () => {
    const { ask, goOn, questions } = heldTurn(false);
    const both = async () => [await ask('a', 100, 'day'), await ask('b', 100, 'day'), questions()];
    assert.deepEqual(await both(), ['asked', 'asked', 1]);
    goOn(0);
    assert.deepEqual(await both(), ['again', 'again', 1]);
    assert.deepEqual(await both(), ['asked', 'asked', 2]);
  });

  it('tell a person nothing of what others spend', async () => {
    const { ask, log } = heldTurn(false);
    await ask('a', 100, 'day');
    assert.deepEqual(log.get(`${T}:spend:0:held`), {
      ...{ type: 'spend.held', turnId: T, agentId: 'a', messageId: 'a:m1' },
      ...{ cap: 'day', neededMicros: 20, raiseMicros: 0 },
    });
    const asked = log.get(`${T}:spend:0:asked`);
    assert.equal(
      asked?.type === 'question.asked' && asked.question,
      'The next model call could cost up to $0.000020. That is more than is left of what all tasks of this relay may cost in a day. How is it to go on?',
    );
  });
});
