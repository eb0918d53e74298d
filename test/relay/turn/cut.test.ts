import assert from 'node:assert/strict';
import { usageOf } from '../../../server/agent/halt.ts';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Reply, Scenario } from '../../fakes/model/script.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** Tokens: what the lead is told and can do takes a third of it, so that three steps are too much. */
const WINDOW = '24000';

const isSummary = ({ messages }: ChatRequest): boolean =>
  messages[0]?.content.startsWith('You write the notes') === true;

/** How far the conversation has come, also where its beginning is cut: answers say which they are. */
const stepOf = ({ messages }: ChatRequest): number =>
  messages.reduce((most, { content }) => Math.max(most, Number(/^Step (\d+)/.exec(content)?.[1] ?? 0)), 0);

const WORDS = 'Looked at it closely. '.repeat(300);
const step = (k: number): Reply => ({
  text: `Step ${k}. ${WORDS}`,
  toolCalls: [{ name: 'bash', arguments: { command: `printf '%012000d' ${k}` } }],
});

describe('a conversation that is longer than its model takes', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('is cut once, also where the relay is killed while its summary is written', async () => {
    const asked = Promise.withResolvers<void>();
    let summaries = 0;
    const scenario: Scenario = [
      {
        when: isSummary,
        steps: [
          async () => {
            summaries += 1;
            if (summaries > 1) return { text: '# Goal\nIt was looked at.' };
            asked.resolve();
            return { fault: 'hang' };
          },
        ],
      },
      {
        steps: [],
        otherwise: (request) => (stepOf(request) < 4 ? step(stepOf(request) + 1) : { text: 'Step 5: done.' }),
      },
    ];
    workshop = await openWorkshop(scenario, { HANDOFF_MODEL_WINDOW: WINDOW });
    const taskId = await workshop.delegate('Look at everything, and never at LICENSE');
    const watched = workshop.watch(taskId);
    await asked.promise;
    await workshop.kill();
    await workshop.start();

    const ended = await watched.until('turn.ended');
    assert.equal(ended.outcome, 'completed');
    const { events } = watched;
    const [first] = events.filter((event) => event.type === 'context.cut');
    assert.ok(first?.upTo !== undefined);
    assert.equal(first.summary, '# Goal\nIt was looked at.');
    assert.ok(first.tokensAfter < first.tokensBefore);
    assert.equal(
      new Set(events.flatMap((event) => (event.type === 'model.answered' ? [event.messageId] : []))).size,
      5,
      'each step was taken once',
    );
    assert.deepEqual(ended.usage, usageOf(events, ended.turnId));

    const after = workshop.model.requests.filter(
      (request) => !isSummary(request) && JSON.stringify(request.messages).includes('It was looked at.'),
    );
    const said = after[0]?.messages.filter(({ role }) => role === 'user').map(({ content }) => content) ?? [];
    assert.deepEqual(said, [
      'Look at everything, and never at LICENSE',
      '[The conversation up to here was cut to save room. What was said to you in it stands above, word for word. What you did and found out:]\n\n# Goal\nIt was looked at.',
    ]);
    const [turn] = (await workshop.client.getTask(taskId)).turns;
    assert.ok(
      turn?.items.some((item) => item.kind === 'cut'),
      'the chat shows where',
    );
  });

  it('is cut and sent once more where the provider takes less than the settings say', async () => {
    const refusal = {
      error: { message: 'Too long.', type: 'invalid_request_error', code: 'context_length_exceeded' },
    };
    const scenario: Scenario = [
      { when: isSummary, steps: [{ text: '# Goal\nNotes.' }] },
      {
        steps: [],
        otherwise(request) {
          if (stepOf(request) === 0) return step(1);
          if (JSON.stringify(request.messages).includes('Notes.')) return { text: 'Step 9: done.' };
          if (stepOf(request) < 3) return step(stepOf(request) + 1);
          return { fault: 'status', status: 400, body: refusal };
        },
      },
    ];
    workshop = await openWorkshop(scenario);
    const taskId = await workshop.delegate('Look at everything');
    const watched = workshop.watch(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const cuts = watched.events.filter((event) => event.type === 'context.cut');
    assert.deepEqual(
      cuts.map(({ messageId, summary }) => [messageId.split(':')[1], summary]),
      [['m4', '# Goal\nNotes.']],
    );
  });
});
