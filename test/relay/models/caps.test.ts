import assert from 'node:assert/strict';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { call, child, task } from '../../fakes/model/agents.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { withDatabase } from '../turn/database.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

/** A cap, and a most that one call can cost: ten cents, by its output alone. */
const SETTINGS = {
  HANDOFF_MODEL_PRICE: '{"input": 0, "output": 1000}',
  HANDOFF_MODEL_MAX_OUTPUT: '100',
  HANDOFF_CAP_TURN: '0.11',
};

const scenario: Scenario = [
  {
    steps: [
      { toolCalls: [{ name: 'write', arguments: { path: 'a.txt', content: 'a\n' } }] },
      { text: 'Done.', faults: [{ fault: 'hang' }] },
    ],
    otherwise: { text: 'More.' },
  },
];

const costsOf = (events: readonly TaskEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'model.answered' ? [event.usage.costMicros ?? NaN] : []));

describe('a cap on spending', function () {
  this.timeout(90_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  async function held() {
    workshop = await openWorkshop(scenario, SETTINGS);
    const taskId = await workshop.delegate('Write it');
    const watched = workshop.watch(taskId);
    const asked = await watched.until('question.asked');
    await watched.until('turn.parked');
    return { taskId, watched, asked };
  }

  it('holds the call that could pass it, asks, and goes on with what the person said, through kills at its worst moments', async () => {
    const { taskId, watched, asked } = await held();
    const { questionId, turnId } = asked;
    assert.equal(workshop.model.requests.length, 1, 'the call is not made');
    const standing = workshop.model.requests[0]?.messages.at(-1)?.content;
    assert.equal(
      standing?.split('\n').at(-1),
      'Money for model calls, your subagents’ included: $0.11 of $0.11 for this turn. Before a call that could cost more the person is asked.',
    );
    const [first = NaN] = costsOf(watched.events);
    const told = watched.events.find((event) => event.type === 'spend.held');
    assert.deepEqual(
      { ...told, seq: 0, at: 0 },
      {
        ...{ seq: 0, at: 0, type: 'spend.held', turnId, messageId: `${turnId}:m2`, cap: 'turn' },
        ...{ limitMicros: 110_000, usedMicros: first },
        ...{ neededMicros: 100_000, raiseMicros: 110_000 },
      },
    );
    assert.deepEqual(
      { ...asked, seq: 0, at: 0 },
      {
        ...{ seq: 0, at: 0, type: 'question.asked', turnId, questionId: `${turnId}:spend:0`, about: 'spend' },
        question: `The next model call could cost up to $0.10. Of the $0.11 that this turn may cost, $${(Math.ceil(first / 10_000) / 100).toFixed(2)} are used or reserved. How is it to go on?`,
        options: [
          { label: 'Go on', description: 'Another $0.11 may be spent for this turn.' },
          { label: 'Stop here', description: 'The turn ends. What was done is kept.' },
        ],
        freeText: false,
      },
    );

    await workshop.kill();
    await workshop.start();
    await workshop.client.answer(taskId, { questionId, answer: { kind: 'choice', label: 'Go on' } });
    // It is reserved for now, and its relay dies before it is settled.
    await workshop.model.waitForRequest(2);
    await workshop.kill();
    await workshop.start();
    const ended = await watched.until('turn.ended');
    assert.equal(ended.outcome, 'completed');

    const costs = costsOf(await watched.caughtUp());
    const total = costs.reduce((sum, cost) => sum + cost, 0);
    assert.deepEqual([costs.length, ended.usage.costMicros], [2, total]);
    const entered = await withDatabase(workshop.data, async (client) => {
      const { rows } = await client.query('SELECT message_id, reserved, cost FROM handoff.spend ORDER BY at');
      return rows;
    });
    assert.deepEqual(entered, [
      { message_id: `${turnId}:m1`, reserved: null, cost: String(costs[0]) },
      { message_id: `${turnId}:m2`, reserved: null, cost: String(costs[1]) },
    ]);
    const report = await workshop.client.usage();
    assert.deepEqual(
      [report.total.costMicros, report.caps],
      [total, [{ cap: 'turn', limitMicros: 110_000 }]],
    );
    assert.equal(workshop.model.requests.at(-1)?.body['max_tokens'], 100);
  });

  it('ends the turn where the person says so, and keeps what was done', async () => {
    const { taskId, watched, asked } = await held();
    await workshop.client.answer(taskId, {
      questionId: asked.questionId,
      answer: { kind: 'choice', label: 'Stop here' },
    });
    const { outcome, error } = await watched.until('turn.ended');
    assert.deepEqual(
      [outcome, error],
      [
        'failed',
        {
          code: 'spend_held',
          message:
            'The turn ended before a model call that could have gone past a cap on spending, as you chose.',
          nextAction: 'What was done is kept. Send a message to go on: you will be asked again.',
        },
      ],
    );
    const { proposal } = await workshop.client.getTask(taskId);
    assert.deepEqual(
      proposal?.files.map(({ path }) => path),
      ['a.txt'],
    );
  });

  it('lets a subagent that it holds be stopped: its turn goes on, and asks again for others that it holds', async () => {
    workshop = await openWorkshop(
      [
        child('Look', { toolCalls: [call('glob', { pattern: '*' })] }, { text: 'More.' }),
        { steps: [{ toolCalls: [task('Look')] }, { text: 'I go on by myself.' }] },
      ],
      SETTINGS,
    );
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    const { agentId } = await watched.until('agent.started');
    const held = await watched.until('spend.held');
    assert.equal(held.agentId, agentId);
    const first = await watched.until('question.asked');
    await watched.until('turn.parked');
    assert.deepEqual(await workshop.client.stopAgent(taskId, agentId), { stopped: true });
    assert.equal((await watched.until('agent.ended')).outcome, 'stopped');
    const again = await watched.until('question.asked', ({ questionId }) => questionId !== first.questionId);
    const { turnId } = again;
    const asked = (await watched.caughtUp()).flatMap((event) => {
      if (event.type === 'spend.held') return [[event.type, event.agentId, event.messageId]];
      if (event.type === 'question.asked') return [[event.type, event.questionId]];
      return event.type === 'question.answered' ? [[event.type, event.questionId, event.answer.kind]] : [];
    });
    assert.deepEqual(asked, [
      ['spend.held', agentId, held.messageId],
      ['question.asked', `${turnId}:spend:0`],
      ['question.answered', `${turnId}:spend:0`, 'dismissed'],
      ['spend.held', undefined, `${turnId}:m2`],
      ['question.asked', `${turnId}:spend:1`],
    ]);
    const choice = { kind: 'choice' as const, label: 'Go on' };
    await workshop.client.answer(taskId, { questionId: again.questionId, answer: choice });
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
  });

  it('is held for a model whose price nobody knows, too: it is not called', async () => {
    workshop = await openWorkshop(scenario, { HANDOFF_CAP_DAY: '1' });
    const taskId = await workshop.delegate('Write it');
    const { error } = await workshop.watch(taskId).until('turn.ended');
    assert.deepEqual(error, {
      code: 'model_not_configured',
      message: 'A cap on spending is set, and what fake-model costs is not known.',
      nextAction:
        'Set its price (HANDOFF_MODEL_PRICE, or price in HANDOFF_MODELS), or remove the cap; then send a message to go on.',
    });
    assert.equal(workshop.model.requests.length, 0);
  });
});
