import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const call = (name: string, args: Record<string, unknown>) => ({ toolCalls: [{ name, arguments: args }] });
const results = (events: TaskEvent[]): [string, boolean][] =>
  events.flatMap((event) =>
    event.type === 'tool.finished' ? [[event.output, event.isError] as [string, boolean]] : [],
  );

describe('a turn', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  const open = async (scenario: Scenario, env?: Record<string, string>) => {
    workshop = await openWorkshop(scenario, env);
  };
  afterEach(() => workshop.close());

  it('tells the model why a call cannot be run or leaves the workspace, and goes on', async () => {
    await open([
      {
        steps: [
          call('fly', {}),
          { toolCalls: [{ name: 'read', arguments: '{"path": "a' }] },
          call('read', { paths: 1 }),
          call('read', { path: '../secret' }),
          call('write', { path: '/etc/passwd', content: 'x' }),
          call('edit', { path: 'README.md', oldText: 'no such text', newText: '' }),
          call('grep', { pattern: '(' }),
          call('bash', { command: 'echo out; echo err >&2; exit 3' }),
          call('bash', { command: 'echo begun; sleep 60', timeoutMs: 1500 }),
          { text: 'Enough.' },
        ],
      },
    ]);
    const watched = workshop.watch(await workshop.delegate('Try'));
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const outputs = results(watched.events);
    assert.ok(outputs.every(([, isError]) => isError));
    const expected = [
      /^There is no tool fly\. The tools are: read, write, edit, glob, grep, bash, stop_command, fetch, todo, task, ask_user, reply, describe_changes, lesson, propose_plan\.$/,
      /^The arguments do not fit read: they are not a JSON object$/,
      /^The arguments do not fit read: .*path/s,
      /workspace/,
      /workspace/,
      /^NotRead: README\.md exists, and you have not read it\./,
      /unclosed group|regex/,
      /^out\n\[stderr\]\nerr\n\[exit code 3\]$/,
      /^begun\n\[stopped after 1500 ms: still running/,
    ];
    assert.equal(outputs.length, expected.length);
    for (const [index, pattern] of expected.entries()) assert.match(outputs[index]?.[0] ?? '', pattern);
  });

  it('runs reading calls of one answer in parallel, and writing ones in order', async () => {
    const append = (text: string) => ({ name: 'bash', arguments: { command: `echo ${text} >> order` } });
    await open([
      {
        steps: [
          { toolCalls: [append('1'), append('2'), append('3')] },
          {
            toolCalls: ['a', 'b', 'c'].map((pattern) => ({ name: 'grep', arguments: { pattern } })),
          },
          call('read', { path: 'order' }),
        ],
      },
    ]);
    const watched = workshop.watch(await workshop.delegate('Order'));
    await watched.until('turn.ended');
    assert.deepEqual(results(watched.events).at(-1), ['1: 1\n2: 2\n3: 3', false]);
    const greps = watched.events.filter(
      (event) => event.type.startsWith('tool.') && 'name' in event && event.name === 'grep',
    );
    assert.deepEqual(
      greps.slice(0, 3).map(({ type }) => type),
      ['tool.started', 'tool.started', 'tool.started'],
      'all three had begun before one had finished',
    );
  });

  it('stops on request: the process is dead, what it did is kept, nothing is said afterwards', async () => {
    await open([
      { steps: [call('bash', { command: 'echo $$ > pid; echo begun; sleep 300' }), { text: 'Not said.' }] },
    ]);
    const taskId = await workshop.delegate('Wait');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output');
    assert.deepEqual(await workshop.client.stop(taskId), {
      stopped: true,
      turnId: watched.events.find((event) => event.type === 'turn.started')?.turnId,
    });
    assert.equal((await watched.until('turn.ended')).outcome, 'stopped');
    assert.match(results(watched.events)[0]?.[0] ?? '', /^begun\n\[stopped by the user after/);
    const state = await workshop.client.getTask(taskId);
    assert.equal(state.status, 'stopped');
    assert.deepEqual(
      state.proposal?.files.map(({ path }) => path),
      ['pid'],
      'what it had done is in the proposal',
    );
    assert.equal(watched.events.at(-1)?.type, 'turn.ended');
    assert.deepEqual(await workshop.client.stop(taskId), { stopped: false });
    assert.equal(workshop.model.requests.length, 1);
  });

  it('goes on with a follow-up, in the same sandbox and the same conversation', async () => {
    await open([
      {
        steps: [
          call('write', { path: 'a', content: '1' }),
          { text: 'One.' },
          call('read', { path: 'a' }),
          { text: 'Two.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('First');
    const watched = workshop.watch(taskId);
    const first = await watched.until('turn.ended');
    const accepted = await workshop.client.sendMessage(taskId, { clientId: 'client-second', text: 'Second' });
    assert.equal(accepted.disposition, 'started');
    const second = await watched.until('turn.ended', ({ turnId }) => turnId !== first.turnId);
    assert.equal(second.turnId, accepted.turnId);
    assert.deepEqual(results(watched.events).at(-1), ['1: 1', false]);
    const spoken = workshop.model.requests.at(-1)?.messages.map(({ role, content }) => [role, content]);
    assert.deepEqual(spoken?.slice(1), [
      ['user', 'First'],
      ['assistant', ''],
      ['tool', 'Wrote a: 1 lines, 1 bytes.'],
      ['assistant', 'One.'],
      ['user', 'Second'],
      ['assistant', ''],
      ['tool', '1: 1'],
    ]);
  });

  it('reads a message that comes while it runs before its next model call, and the same one only once', async () => {
    await open([
      {
        steps: [call('bash', { command: 'while [ ! -e gate ]; do sleep 0.02; done' }), { text: 'Read it.' }],
      },
    ]);
    const taskId = await workshop.delegate('Run');
    const watched = workshop.watch(taskId);
    await watched.until('tool.started');
    const message = { clientId: 'client-steer', text: 'Use tabs.' };
    const queued = await workshop.client.sendMessage(taskId, message);
    assert.equal(queued.disposition, 'queued');
    assert.deepEqual(await workshop.client.sendMessage(taskId, message), queued);
    assert.deepEqual(
      (await workshop.client.getTask(taskId)).queue.map(({ text }) => text),
      ['Use tabs.'],
    );
    await workshop.openGate();
    await watched.until('turn.ended');
    const users = workshop.model.requests.at(-1)?.messages.filter(({ role }) => role === 'user');
    assert.deepEqual(
      users?.map(({ content }) => content),
      ['Run', 'Use tabs.'],
    );
    assert.deepEqual((await workshop.client.getTask(taskId)).queue, []);
  });

  it('tries again what passes by itself, and shows the last attempt only', async () => {
    await open([
      {
        steps: [
          {
            text: 'At last, the whole answer.',
            chunkSize: 5,
            faults: [
              { fault: 'status', status: 429, retryAfter: 0.2 },
              { fault: 'cut', afterChunks: 3 },
            ],
          },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Speak');
    const watched = workshop.watch(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.deepEqual(
      watched.events.flatMap((event) =>
        event.type === 'model.retried' ? [[event.attempt, event.reason.code]] : [],
      ),
      [
        [1, 'model_unavailable'],
        [2, 'model_cut_off'],
      ],
    );
    const [turn] = (await workshop.client.getTask(taskId)).turns;
    assert.deepEqual(
      turn?.items.flatMap((item) => (item.kind === 'text' ? [[item.attempt, item.text, item.done]] : [])),
      [[3, 'At last, the whole answer.', true]],
    );
  });

  it('fails with the provider’s reason where trying again is no use, and can be gone on with', async () => {
    await open([
      { steps: [{ fault: 'status', status: 400, body: { error: { message: 'No such model.' } } }] },
    ]);
    const taskId = await workshop.delegate('Speak');
    const watched = workshop.watch(taskId);
    const ended = await watched.until('turn.ended');
    assert.deepEqual(
      [ended.outcome, ended.error?.code, ended.error?.message],
      ['failed', 'model_rejected', 'The model endpoint answered 400: No such model.'],
    );
    assert.ok(ended.error?.nextAction);
    workshop.model.use([{ steps: [{ text: 'Now it works.' }] }]);
    await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Again' });
    const again = await watched.until('turn.ended', ({ turnId }) => turnId !== ended.turnId);
    assert.equal(again.outcome, 'completed');
  });

  it('follows the repository’s AGENTS.md, in instructions that stay the same byte for byte', async () => {
    await open([{ steps: [call('glob', { pattern: '*' }), { text: 'Seen.' }] }]);
    const watched = workshop.watch(await workshop.delegate('Look'));
    await watched.until('turn.ended');
    const [first, second] = workshop.model.requests.map(({ messages }) => messages[0]);
    const agentsMd = await readFile(join(workshop.repo, 'AGENTS.md'), 'utf8');
    assert.equal(first?.role, 'system');
    assert.ok(first.content.includes(agentsMd.trim()));
    assert.deepEqual(second, first);
    // Some 3,000 tokens, two thirds of them for what the tools are.
    const { length } = JSON.stringify(workshop.model.requests[0]?.body);
    assert.ok(length <= 12_000, `the first prompt has ${length} characters`);
  });

  it('says what to do where no model is configured', async () => {
    await open([], { HANDOFF_MODEL: '' });
    const watched = workshop.watch(await workshop.delegate('Go'));
    const { error } = await watched.until('turn.ended');
    assert.equal(error?.code, 'model_not_configured');
    assert.match(error.nextAction ?? '', /HANDOFF_MODEL_BASE_URL/);
  });
});
