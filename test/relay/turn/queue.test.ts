import assert from 'node:assert/strict';
import { RelayError } from '../../../server/protocol/client.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const GATE = 'while [ ! -e gate ]; do sleep 0.02; done';
const codeOf = (error: unknown): unknown =>
  error instanceof RelayError ? [error.status, error.code] : error;

describe('messages sent while a turn runs', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('can be changed and taken back until they are read, and are read in order', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          { toolCalls: [{ name: 'bash', arguments: { command: `echo begun; ${GATE}` } }] },
          { text: 'Read.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Begin');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output');
    for (const name of ['first', 'second', 'third']) {
      await workshop.client.sendMessage(taskId, { clientId: `client-${name}`, text: `${name} message` });
    }
    await workshop.client.editMessage(taskId, 'client-third', { text: ' third, corrected ' });
    await workshop.client.editMessage(taskId, 'client-third', { text: 'third, corrected' });
    await workshop.client.withdrawMessage(taskId, 'client-second');
    await workshop.client.withdrawMessage(taskId, 'client-second');
    const { queue } = await workshop.client.getTask(taskId);
    assert.deepEqual(
      queue.map(({ messageId, text }) => [messageId, text]),
      [
        ['client-first', 'first message'],
        ['client-third', 'third, corrected'],
      ],
    );
    // A late retry sends nothing anew that was taken back, and says so.
    const late = { clientId: 'client-second', text: 'second message' };
    await assert.rejects(workshop.client.sendMessage(taskId, late), { code: 'conflict' });

    await workshop.openGate();
    await watched.until('turn.ended');
    const read = workshop.model.requests.at(-1)?.messages.filter(({ role }) => role === 'user');
    assert.deepEqual(
      read?.map(({ content }) => content),
      ['Begin', 'first message', 'third, corrected'],
    );
    assert.deepEqual((await workshop.client.getTask(taskId)).queue, []);
    const events = watched.events.map(({ type }) => type).filter((type) => type.startsWith('message.'));
    assert.deepEqual(events, [
      'message.delivered',
      'message.queued',
      'message.queued',
      'message.queued',
      'message.edited',
      'message.withdrawn',
      'message.delivered',
      'message.delivered',
    ]);
    assert.deepEqual(
      [
        await workshop.client.editMessage(taskId, 'client-first', { text: 'Too late' }).catch(codeOf),
        await workshop.client.withdrawMessage(taskId, 'client-first').catch(codeOf),
        await workshop.client.withdrawMessage(taskId, 'client-unknown').catch(codeOf),
        await workshop.client.editMessage(taskId, 'client-first', { text: '' }).catch(codeOf),
        await workshop.client.editMessage(taskId, 'client-second', { text: 'Anew' }).catch(codeOf),
      ],
      [
        [409, 'already_delivered'],
        [409, 'already_delivered'],
        [404, 'not_found'],
        [400, 'bad_request'],
        [409, 'conflict'],
      ],
    );
  });
});

describe('people who share a relay', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('have their own tasks: another’s is not there for them', async () => {
    const ada = 'ada-has-a-token-of-her-own';
    workshop = await openWorkshop([{ steps: [{ text: 'Done.' }] }], {
      HANDOFF_USERS: JSON.stringify({ ada }),
    });
    const taskId = await workshop.delegate('Mine');
    await workshop.watch(taskId).until('turn.ended');
    const asAda = (path: string, init: RequestInit = {}) =>
      fetch(`${workshop.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${ada}`, ...init.headers },
      });
    assert.deepEqual(await (await asAda('/v1/tasks')).json(), { tasks: [] });
    for (const path of ['', '/events', '/changes', '/patch']) {
      assert.equal((await asAda(`/v1/tasks/${taskId}${path}`)).status, 404, path);
    }
    for (const path of ['/stop', '/messages', '/answers', '/pull-request']) {
      assert.equal((await asAda(`/v1/tasks/${taskId}${path}`, { method: 'POST' })).status, 404, path);
    }
    assert.equal((await asAda(`/v1/tasks/${taskId}`, { method: 'DELETE' })).status, 404);
    assert.equal((await workshop.client.listTasks()).tasks.length, 1);
    const source = { url: `file://${workshop.repo}`, commit: workshop.commit };
    const refused = await asAda('/v1/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: 'ada-wants-it', prompt: 'Show me the owner’s files', source }),
    });
    assert.deepEqual([refused.status, (await refused.json()).code], [403, 'source_not_allowed']);
  });
});
