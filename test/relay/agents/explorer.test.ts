import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventOf } from '../../../server/protocol/events.ts';
import { blobOf } from '../../../server/repo/blob-of.ts';
import { beganWith, call, child, found, lastSaid, task } from '../../fakes/model/agents.ts';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Watch } from '../turn/watch.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const results = (request: ChatRequest | undefined): string[] =>
  request?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content) ?? [];
const endings = (watched: Watch): unknown[] =>
  watched.events
    .filter((event): event is EventOf<'agent.ended'> => event.type === 'agent.ended')
    .map(({ agentId, outcome, error }) => [agentId.slice(agentId.indexOf(':') + 1), outcome, error?.code]);

describe('an explorer', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());
  const lead = (prompt: string): ChatRequest | undefined =>
    workshop.model.requests.filter((request) => beganWith(request, prompt)).at(-1);

  it('hands up an answer with evidence, several at once, and changes nothing', async () => {
    const look = (n: number) =>
      child(
        `Look ${n}`,
        { toolCalls: [call('read', { path: 'README.md' })] },
        { toolCalls: [call('write', { path: 'no.txt', content: 'no' })] },
        found(`Answer ${n}`, 'README.md', 1, 2),
      );
    workshop = await openWorkshop([
      look(1),
      look(2),
      { steps: [{ toolCalls: [task('Look 1'), task('Look 2')] }, { text: 'Both are back.' }] },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');

    const told = (n: number): string => `Answer ${n} found.\n\nAnswer ${n}\n\nEvidence:\n- README.md:1-2`;
    assert.deepEqual(results(lead('Find out')), [told(1), told(2)]);
    const [first] = workshop.model.requests.filter((request) => beganWith(request, 'Look 1'));
    assert.deepEqual(first?.tools, ['read', 'glob', 'grep', 'fetch', 'bash', 'task', 'report']);
    assert.ok(
      !JSON.stringify(first.messages).includes('Find out'),
      'it knows nothing of the lead’s conversation',
    );

    const [turn] = (await workshop.client.getTask(taskId)).turns;
    const blob = blobOf(await readFile(join(workshop.repo, 'README.md')));
    const place = { path: 'README.md', startLine: 1, endLine: 2, blob };
    const cards = turn?.items.flatMap((item) => (item.kind === 'tool' && item.agent ? [item] : []));
    assert.deepEqual(
      cards?.map(({ agent, items }) => [
        agent?.role,
        agent?.depth,
        agent?.outcome,
        agent?.modelCalls,
        agent?.lastAction,
        agent?.facts,
        items?.map((inner) => (inner.kind === 'tool' ? [inner.name, inner.isError] : inner.kind)),
      ]),
      [1, 2].map((n) => [
        'explorer',
        1,
        'completed',
        3,
        `report Answer ${n} found.`,
        [place],
        [
          ['read', false],
          ['write', true],
          ['report', false],
        ],
      ]),
    );
    assert.deepEqual((await workshop.client.changes(taskId)).files, []);
  });

  it('is told once what is wrong with its report, and then given up', async () => {
    workshop = await openWorkshop([
      child('Look 1', { text: 'It is in README.md.' }, found('Answer 1', 'README.md')),
      child('Look 2', found('Answer 2', 'README.md', 900), found('Answer 2', 'nowhere.md')),
      child('Look 3', { text: 'It is in README.md.' }, { text: 'As I said.' }),
      {
        steps: [
          { toolCalls: [task('Look 1'), task('Look 2'), task('Look 3'), task('Look 4', { role: 'oracle' })] },
          { text: 'I know enough.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const givenUp = '[no report] It handed up no valid report, also after it was told what was wrong.';
    assert.deepEqual(results(lead('Find out')), [
      'Answer 1 found.\n\nAnswer 1\n\nEvidence:\n- README.md:1',
      givenUp,
      givenUp,
      'There is no role oracle. The roles are: explorer, executor, reviewer.',
    ]);
    assert.deepEqual(endings(watched).sort(), [
      ['m1c0', 'completed', undefined],
      ['m1c1', 'invalid', 'agent_result_invalid'],
      ['m1c2', 'invalid', 'agent_result_invalid'],
    ]);
    const [, again] = workshop.model.requests.filter((request) => beganWith(request, 'Look 1'));
    assert.equal(
      lastSaid(again),
      'You ended without handing anything up, so nothing of your work is known. Call report now, with what you have; say in it what is missing.',
    );
    const [, wrong] = workshop.model.requests.filter((request) => beganWith(request, 'Look 2'));
    assert.match(
      results(wrong).join(),
      /^The report is not taken, for some evidence is not there: README\.md:900-900 is beyond the file’s \d+ lines\. Look again, and report once more\.$/,
    );
  });

  it('ends by its deadline, its budget or the person, and its parent goes on', async () => {
    workshop = await openWorkshop([
      child('Slow', { fault: 'hang' }),
      child('Dear', { toolCalls: [call('glob', { pattern: '*' })] }, found('Too late', 'README.md')),
      child('Wordy', { toolCalls: [call('glob', { pattern: '*' })] }, found('Too late', 'README.md')),
      child('Unwanted', { toolCalls: [task('Deep')] }),
      child('Deep', { toolCalls: [task('Deeper')] }),
      child('Deeper', { fault: 'hang' }),
      {
        steps: [
          {
            toolCalls: [
              task('Slow', { limits: { seconds: 2 } }),
              task('Dear', { limits: { modelCalls: 1 } }),
              task('Wordy', { limits: { tokens: 1 } }),
              task('Unwanted'),
            ],
          },
          { text: 'I go on by myself.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    const deepest = await watched.until('agent.started', ({ depth }) => depth === 3);
    await watched.until('model.called', ({ agentId }) => agentId === deepest.agentId);
    const unwanted = deepest.agentId.split(':').slice(0, 2).join(':');
    assert.deepEqual(await workshop.client.stopAgent(taskId, unwanted), { stopped: true });
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.deepEqual(await workshop.client.stopAgent(taskId, unwanted), { stopped: false });

    const [slow, dear, wordy, stopped] = results(lead('Find out'));
    assert.deepEqual(
      [slow, dear, stopped],
      [
        '[out of time] It did not come to an end within its time.',
        '[over its budget] It has made all of its 1 model calls.',
        '[stopped by the person]',
      ],
    );
    assert.match(wordy ?? '', /^\[over its budget\] It has used \d+ of its 1 tokens\.$/);
    assert.deepEqual(endings(watched).sort(), [
      ['m1c0', 'timed_out', 'agent_timed_out'],
      ['m1c1', 'over_budget', 'agent_over_budget'],
      ['m1c2', 'over_budget', 'agent_over_budget'],
      ['m1c3', 'stopped', undefined],
      ['m1c3:m1c0', 'stopped', undefined],
      ['m1c3:m1c0:m1c0', 'stopped', undefined],
    ]);
  });

  it('is stopped with its turn', async () => {
    workshop = await openWorkshop([
      child('Look 1', { fault: 'hang' }),
      { steps: [{ toolCalls: [task('Look 1')] }] },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    await watched.until('model.called', ({ agentId }) => agentId !== undefined);
    await workshop.client.stop(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'stopped');
    assert.deepEqual(endings(watched), [['m1c0', 'stopped', undefined]]);
  });

  it('goes on where it was when the relay is killed, and a stop of it holds', async () => {
    const gate = Promise.withResolvers<void>();
    workshop = await openWorkshop([
      child('Look 1', { toolCalls: [call('read', { path: 'README.md' })] }, async () => {
        await gate.promise;
        return { toolCalls: [call('report', { summary: 'Seen.', answer: 'Yes.', evidence: [] })] };
      }),
      child('Look 2', { fault: 'hang' }),
      { steps: [{ toolCalls: [task('Look 1'), task('Look 2')] }, { text: 'It is back.' }] },
    ]);
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    await workshop.model.waitForRequest(4);
    await watched.caughtUp();
    // Which of two that are called together is the first to begin is nobody's promise.
    const { agentId } = await watched.until('agent.started', ({ description }) => description === 'Look 2');
    await workshop.client.stopAgent(taskId, agentId);
    await workshop.kill();
    await workshop.start();
    gate.resolve();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.deepEqual(results(lead('Find out')), [
      'Seen.\n\nYes.\n\nNo evidence was named.',
      '[stopped by the person]',
    ]);
    assert.deepEqual(endings(watched).sort(), [
      ['m1c0', 'completed', undefined],
      ['m1c1', 'stopped', undefined],
    ]);
    const calls = watched.events.filter((event) => event.type === 'tool.finished');
    assert.deepEqual(calls.map(({ name }) => name).sort(), ['read', 'report', 'task', 'task']);
    const first = workshop.model.requests.filter(
      (request) => beganWith(request, 'Look 1') && !request.messages.some(({ role }) => role === 'assistant'),
    );
    assert.equal(first.length, 1, 'its first model call was not repeated');
  });
});
