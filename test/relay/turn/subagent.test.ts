import assert from 'node:assert/strict';
import type { ChatRequest } from '../../fakes/model/request.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const call = (name: string, args: Record<string, unknown>) => ({ name, arguments: args });
const prompts = (request: ChatRequest, text: string): boolean =>
  request.messages.some(({ role, content }) => role === 'user' && content === text);
const report = (n: number) => ({
  when: (request: ChatRequest) => prompts(request, `Look ${n}`),
  steps: [
    { toolCalls: [call('read', { path: 'README.md' }), call('write', { path: 'no.txt', content: 'no' })] },
    { text: `Report ${n}.` },
  ],
});

describe('a subagent', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('explores with a conversation of its own, several at once, and changes nothing', async () => {
    workshop = await openWorkshop([
      report(1),
      report(2),
      {
        steps: [
          {
            toolCalls: [1, 2].map((n) => call('task', { description: `Looking ${n}`, prompt: `Look ${n}` })),
          },
          { text: 'Both are back.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');

    const lead = workshop.model.requests.filter((request) => prompts(request, 'Find out')).at(-1);
    assert.deepEqual(
      lead?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content),
      ['Report 1.', 'Report 2.'],
    );
    const [child] = workshop.model.requests.filter((request) => prompts(request, 'Look 1'));
    assert.deepEqual(child?.tools, ['read', 'glob', 'grep']);
    assert.ok(
      !JSON.stringify(child.messages).includes('Find out'),
      'it knows nothing of the lead’s conversation',
    );

    const [turn] = (await workshop.client.getTask(taskId)).turns;
    const nested = turn?.items.flatMap((item) =>
      item.kind === 'tool'
        ? [
            [
              item.name,
              item.items?.map((inner) => (inner.kind === 'tool' ? [inner.name, inner.isError] : inner.kind)),
            ],
          ]
        : [],
    );
    const inside = [['read', false], ['write', true], 'text'];
    assert.deepEqual(nested, [
      ['task', inside],
      ['task', inside],
    ]);
    assert.deepEqual((await workshop.client.changes(taskId)).files, []);
    const calls = watched.events.filter((event) => event.type === 'model.called');
    assert.deepEqual(new Set(calls.map(({ parentId }) => parentId)), new Set([undefined, turn?.turnId]));
  });

  it('is stopped with its turn', async () => {
    workshop = await openWorkshop([
      { when: (request) => prompts(request, 'Look 1'), steps: [{ fault: 'hang' }] },
      { steps: [{ toolCalls: [call('task', { description: 'Looking', prompt: 'Look 1' })] }] },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    await watched.until('model.called', ({ agentId }) => agentId !== undefined);
    await workshop.client.stop(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'stopped');
  });

  it('goes on where it was when the relay is killed', async () => {
    const gate = Promise.withResolvers<void>();
    workshop = await openWorkshop([
      {
        when: (request) => prompts(request, 'Look 1'),
        steps: [
          { toolCalls: [call('read', { path: 'README.md' })] },
          async () => {
            await gate.promise;
            return { text: 'Report 1.' };
          },
        ],
      },
      {
        steps: [
          { toolCalls: [call('task', { description: 'Looking', prompt: 'Look 1' })] },
          { text: 'It is back.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    await workshop.model.waitForRequest(3);
    await workshop.kill();
    await workshop.start();
    gate.resolve();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const calls = watched.events.filter((event) => event.type === 'tool.finished');
    assert.deepEqual(
      calls.map(({ name, isError }) => [name, isError]),
      [
        ['read', false],
        ['task', false],
      ],
    );
    const first = workshop.model.requests.filter(
      (request) => prompts(request, 'Look 1') && request.messages.length <= 2,
    );
    assert.equal(first.length, 1, 'its first model call was not repeated');
  });
});
