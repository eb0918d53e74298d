import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const KEYS = { first: 'sk-canary-of-the-first', second: 'sk-canary-of-the-second' };

const write = { toolCalls: [{ name: 'write', arguments: { path: 'a.txt', content: 'a\n' } }] };
/** What each provider would say; the first is cut off in the middle of its second answer, and then away. */
const FIRST: Scenario = [
  {
    steps: [
      write,
      { text: 'One two three four five six seven.', faults: [{ fault: 'cut', afterChunks: 2 }] },
    ],
    otherwise: { text: 'The first again.' },
  },
];
const SECOND: Scenario = [{ steps: [write], otherwise: { text: 'The second went on.' } }];

const isSummary = ({ messages }: ChatRequest): boolean =>
  messages[0]?.content.startsWith('You write the notes') === true;

/** Four steps whose results fit into a large window only; then it is away, but for a summary. */
const WIDE: Scenario = [
  { when: isSummary, steps: [{ text: '# Goal\nIt was looked at.' }] },
  {
    steps: [1, 2, 3, 4].map((k) => ({
      text: 'Looked at it closely. '.repeat(300),
      toolCalls: [{ name: 'bash', arguments: { command: `printf '%012000d' ${k}` } }],
    })),
    otherwise: { fault: 'status', status: 503 },
  },
];
/** Tokens. */
const NARROW = 24_000;

describe('a provider that fails in the middle of a turn', function () {
  this.timeout(90_000);
  let workshop: Workshop;
  let first: FakeModel;
  let second: FakeModel;
  afterEach(async () => {
    await workshop.close();
    await first.close();
    await second.close();
  });

  it('is left for the next at once, the turn goes on where it was, and it is asked last for a while', async () => {
    first = await startFakeModel({ scenario: FIRST, apiKey: KEYS.first });
    second = await startFakeModel({ scenario: SECOND, apiKey: KEYS.second });
    const provider = (name: 'first' | 'second', { url }: FakeModel) => ({
      ...{ name, baseUrl: url, apiKey: KEYS[name] },
      models: [{ id: 'm', price: { input: 1, output: 2 } }],
    });
    workshop = await openWorkshop([], {
      HANDOFF_MODELS: JSON.stringify({
        providers: [provider('first', first), provider('second', second)],
        roles: { lead: ['first/m', 'second/m'] },
      }),
    });
    const taskId = await workshop.delegate('Write it');
    const watched = workshop.watch(taskId);
    const ended = await watched.until('turn.ended');
    const events = await watched.caughtUp();
    const retried = events.flatMap((event) =>
      event.type === 'model.retried' ? [[event.reason.code, event.delayMs, event.next]] : [],
    );
    const answered = () =>
      watched.events.flatMap((event) => (event.type === 'model.answered' ? [[event.model, event.text]] : []));
    assert.deepEqual(
      [ended.outcome, retried, answered()],
      [
        'completed',
        [['model_cut_off', 0, 'second/m']],
        [
          ['first/m', ''],
          ['second/m', 'The second went on.'],
        ],
      ],
    );
    assert.deepEqual([first.requests.length, second.requests.length], [2, 1]);
    const { turns } = await workshop.client.getTask(taskId);
    assert.deepEqual(
      turns[0]?.items.flatMap((item) => (item.kind === 'notice' || item.kind === 'text' ? [item.text] : [])),
      ['The model’s answer broke off before its end. Going on with second/m.', 'The second went on.'],
    );

    const { turnId } = await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'More' });
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    assert.deepEqual(answered().at(-1), ['second/m', 'The second went on.']);
    assert.equal(first.requests.length, 2);
    const { models } = await workshop.client.usage();
    assert.deepEqual(new Set(models.map(({ model }) => model)), new Set(['first/m', 'second/m']));
    const told = JSON.stringify([events, await workshop.client.getTask(taskId)]) + workshop.log();
    for (const key of Object.values(KEYS)) assert.equal(told.includes(key), false);
  });

  it('is followed by one whose window is smaller with a conversation that was cut for that', async () => {
    first = await startFakeModel({ scenario: WIDE, apiKey: KEYS.first });
    second = await startFakeModel({ scenario: [{ steps: [], otherwise: { text: 'Done.' } }] });
    workshop = await openWorkshop([], {
      HANDOFF_MODELS: JSON.stringify({
        providers: [
          { name: 'first', baseUrl: first.url, apiKey: KEYS.first, models: [{ id: 'm' }] },
          {
            name: 'second',
            baseUrl: second.url,
            apiKey: second.apiKey,
            models: [{ id: 'm', window: NARROW }],
          },
        ],
        roles: { lead: ['first/m', 'second/m'] },
      }),
    });
    const watched = workshop.watch(await workshop.delegate('Look at everything'));
    const ended = await watched.until('turn.ended');
    const told = (await watched.caughtUp()).flatMap((event) => {
      if (event.type === 'context.cut') return [[event.type, event.messageId, event.summary]];
      return event.type === 'model.retried' ? [[event.type, event.reason.code, event.next]] : [];
    });
    assert.deepEqual(
      [ended.outcome, told],
      [
        'completed',
        [
          ['model.retried', 'model_unavailable', 'second/m'],
          ['context.cut', `${ended.turnId}:m5`, '# Goal\nIt was looked at.'],
        ],
      ],
    );
    const sizes = [first, second].map(({ requests }) =>
      requests.filter((request) => !isSummary(request)).map(({ body }) => JSON.stringify(body).length / 4),
    );
    assert.ok((sizes[0]?.at(-1) ?? 0) > NARROW * 0.8, `${sizes[0]}`);
    assert.equal(sizes[1]?.length, 1);
    assert.ok((sizes[1]?.[0] ?? Infinity) < NARROW * 0.8, `${sizes[1]}`);
  });
});
