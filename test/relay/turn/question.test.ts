import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { RelayError } from '../../../server/protocol/client.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { withDatabase } from './database.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const call = (name: string, args: Record<string, unknown>) => ({ name, arguments: args });
const QUESTION = {
  question: 'Which one?',
  options: [{ label: 'Red' }, { label: 'Blue', description: 'As the sky.' }],
};
const scenario: Scenario = [
  {
    steps: [
      {
        text: 'I need to know.',
        toolCalls: [call('write', { path: 'before.txt', content: 'written\n' }), call('ask_user', QUESTION)],
      },
      { text: 'Thank you.' },
    ],
    otherwise: { text: 'On we go.' },
  },
];

const codeOf = (error: unknown): unknown =>
  error instanceof RelayError ? [error.status, error.code] : error;

describe('a question of the agent', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  const open = async (env: Record<string, string> = {}) => {
    workshop = await openWorkshop(scenario, env);
  };
  afterEach(() => workshop.close());

  async function ask() {
    const taskId = await workshop.delegate('Paint it');
    const watched = workshop.watch(taskId);
    const { questionId, turnId } = await watched.until('question.asked');
    await watched.until('turn.parked');
    return { taskId, turnId, questionId, watched };
  }
  const results = () =>
    workshop.model.requests
      .at(-1)
      ?.messages.flatMap(({ role, content }) => (role === 'tool' ? [content] : []));

  it('parks its turn at no cost, survives the relay, and goes on with the answer', async () => {
    await open();
    const { taskId, turnId, questionId, watched } = await ask();
    const parked = await workshop.client.getTask(taskId);
    assert.deepEqual(
      [parked.status, parked.turns[0]?.items.filter(({ kind }) => kind === 'question')],
      [
        'asking',
        [
          {
            kind: 'question',
            questionId,
            ...QUESTION,
            freeText: true,
            at: parked.turns[0]?.items.find((item) => item.kind === 'question')?.at,
          },
        ],
      ],
    );
    const rows = await withDatabase(workshop.data, (client) =>
      client.query(`SELECT state, relay FROM handoff.turns WHERE turn_id = $1`, [turnId]),
    );
    assert.deepEqual(rows.rows, [{ state: 'parked', relay: null }], 'no relay has it');
    assert.equal(
      (await workshop.client.changes(taskId)).files.length,
      1,
      'what was done before can be looked at',
    );

    await workshop.kill();
    await workshop.start();
    assert.equal((await workshop.client.getTask(taskId)).status, 'asking');
    const answer = { questionId, answer: { kind: 'choice' as const, label: 'Blue' } };
    assert.deepEqual(await workshop.client.answer(taskId, answer), { questionId, turnId });
    assert.deepEqual(await workshop.client.answer(taskId, answer), { questionId, turnId }, 'twice is once');
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.deepEqual(results(), ['Wrote before.txt: 1 lines, 8 bytes.', 'The person chose: Blue']);
    assert.equal(workshop.model.requests.length, 2, 'no model call was repeated');
    const { turns } = await workshop.client.getTask(taskId);
    assert.deepEqual(
      turns[0]?.items.flatMap((item) => (item.kind === 'question' ? [item.answer] : [])),
      [{ kind: 'choice', label: 'Blue' }],
    );
  });

  it('takes an answer in the person’s own words', async () => {
    await open();
    const { taskId, questionId, watched } = await ask();
    await workshop.client.answer(taskId, { questionId, answer: { kind: 'text', text: 'Green, please.' } });
    await watched.until('turn.ended');
    assert.equal(results()?.at(-1), 'The person answered: Green, please.');
  });

  it('refuses what is no answer to it, and a second one', async () => {
    await open();
    const { taskId, questionId, watched } = await ask();
    const refused = (body: Parameters<Workshop['client']['answer']>[1]) =>
      workshop.client.answer(taskId, body).then(() => undefined, codeOf);
    assert.deepEqual(
      [
        await refused({ questionId, answer: { kind: 'choice', label: 'Green' } }),
        await refused({ questionId: 'another', answer: { kind: 'choice', label: 'Red' } }),
        await refused({ questionId, answer: { kind: 'text', text: ' ' } }),
        await refused({ questionId, answer: { kind: 'dismissed' } }),
      ],
      [
        [400, 'bad_request'],
        [409, 'question_closed'],
        [400, 'bad_request'],
        [400, 'bad_request'],
      ],
    );
    await workshop.client.answer(taskId, { questionId, answer: { kind: 'choice', label: 'Red' } });
    assert.deepEqual(await refused({ questionId, answer: { kind: 'choice', label: 'Blue' } }), [
      409,
      'question_closed',
    ]);
    await watched.until('turn.ended');
    assert.deepEqual(await refused({ questionId, answer: { kind: 'choice', label: 'Blue' } }), [
      409,
      'question_closed',
    ]);
  });

  it('is dismissed by a message, which the agent then reads', async () => {
    await open();
    const { taskId, turnId, watched } = await ask();
    const sent = await workshop.client.sendMessage(taskId, {
      clientId: randomUUID(),
      text: 'Never mind the colour.',
    });
    assert.deepEqual([sent.turnId, sent.disposition], [turnId, 'queued']);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.deepEqual(
      workshop.model.requests
        .at(-1)
        ?.messages.slice(-2)
        .map(({ role, content }) => [role, content]),
      [
        ['tool', '[The person did not answer this question; they wrote a message instead.]'],
        ['user', 'Never mind the colour.'],
      ],
    );
  });

  it('ends with its turn when that is stopped, without a relay having to run it', async () => {
    await open();
    const { taskId, turnId, questionId, watched } = await ask();
    assert.deepEqual(await workshop.client.stop(taskId), { stopped: true, turnId });
    assert.equal((await watched.until('turn.ended')).outcome, 'stopped');
    const late = await workshop.client
      .answer(taskId, { questionId, answer: { kind: 'choice', label: 'Red' } })
      .then(() => undefined, codeOf);
    assert.deepEqual(late, [409, 'question_closed']);
    const next = await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Go on' });
    const ended = await watched.until('turn.ended', (event) => event.turnId === next.turnId);
    assert.equal(ended.outcome, 'completed');
  });
});
