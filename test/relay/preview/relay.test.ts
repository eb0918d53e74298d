import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRelayClient, RelayError } from '../../../server/protocol/client.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { ask, enter, send } from '../../fakes/preview-visitor.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

/** A server that the agent starts, and that somebody who visits it can end. */
const SERVER = `require('node:http').createServer((request, response) => {
  response.end('hello from the task', () => request.url === '/quit' && process.exit());
}).listen(8080, '127.0.0.1', () => console.log('listening'))`;

const scenario: Scenario = [
  {
    steps: [
      { toolCalls: [{ name: 'bash', arguments: { command: `exec node -e "${SERVER}"` } }] },
      { text: 'It was looked at.' },
    ],
  },
];

const refusal = (error: unknown): unknown =>
  error instanceof RelayError ? [error.status, error.code, error.message] : error;

describe('previews by the relay’s API', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop(scenario, {
      HANDOFF_USERS: JSON.stringify({ guest: 'guest-token-0123456789' }),
    });
  });
  after(() => workshop.close());

  it('show the agent’s server to the person, in one browser, until the link is revoked', async () => {
    const { client } = workshop;
    const taskId = await workshop.delegate('Serve it');
    const watch = workshop.watch(taskId);
    await watch.until('tool.output', ({ text }) => text.includes('listening'));

    assert.deepEqual(await client.ports(taskId), { sandbox: 'awake', ports: [8080] });
    assert.deepEqual(await client.openPreview(taskId, { port: 8081 }).catch(refusal), [
      409,
      'conflict',
      'Nothing listens on port 8081 of the task’s sandbox. Open are: 8080.',
    ]);
    for (const wrong of [{ port: 0 }, { port: 65_536 }, { port: 80.5 }, { port: 80, minutes: 1_441 }])
      assert.deepEqual(
        (refusal(await client.openPreview(taskId, wrong).catch((error) => error)) as unknown[])[0],
        400,
      );

    const opened = await client.openPreview(taskId, { port: 8080 });
    const [listed] = await client.previews(taskId);
    const { url, ...open } = opened;
    assert.deepEqual(listed, { ...open, createdAt: open.expiresAt - 3_600_000, isOpened: false });
    const visitor = await enter(url);
    assert.equal((await ask(visitor, '/')).text, 'hello from the task');

    // A page of the task can have nothing of the relay: neither by its origin, nor as one that hides it.
    const relay = Number(new URL(workshop.url).port);
    const origin = `http://${visitor.host}`;
    const asPage = await send(relay, '/v1/tasks', { headers: { origin } });
    const asImage = await send(relay, '/v1/tasks', { headers: { cookie: visitor.cookie } });
    const preflight = await send(relay, '/v1/tasks', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    const api = await ask(visitor, '/v1/health', { headers: { authorization: `Bearer ${workshop.token}` } });
    assert.deepEqual(
      [asPage.status, asImage.status, preflight.status, api.text],
      [403, 401, 403, 'hello from the task'],
    );
    assert.ok(
      [asPage, preflight].every(({ headers }) => headers['access-control-allow-origin'] === undefined),
    );

    const guest = createRelayClient({ url: workshop.url, token: 'guest-token-0123456789' });
    const strangers = [
      guest.ports(taskId),
      guest.previews(taskId),
      guest.openPreview(taskId, { port: 8080 }),
      guest.revokePreview(taskId, open.previewId),
      client.revokePreview(taskId, randomUUID()),
    ].map((asked) => asked.catch(refusal));
    assert.deepEqual(
      (await Promise.all(strangers)).map((said) => (said as unknown[]).slice(0, 2)),
      Array(5).fill([404, 'not_found']),
    );

    await client.revokePreview(taskId, open.previewId);
    assert.deepEqual([(await ask(visitor, '/')).status, await client.previews(taskId)], [410, []]);

    const quitting = await enter((await client.openPreview(taskId, { port: 8080 })).url);
    await ask(quitting, '/quit');
    await watch.until('turn.ended');
    await client.archive(taskId);
    assert.deepEqual(await client.ports(taskId), { sandbox: 'none', ports: [] });
    assert.deepEqual(
      (refusal(await client.openPreview(taskId, { port: 8080 }).catch((error) => error)) as unknown[])[1],
      'conflict',
    );

    const key = new URL(url).search.slice(1);
    const secrets = [key, visitor.cookie.split('=')[1] ?? ''];
    const said = [workshop.log(), JSON.stringify(watch.events)];
    assert.deepEqual(
      secrets.map((secret) => [secret.length, said.some((text) => text.includes(secret))]),
      [
        [43, false],
        [43, false],
      ],
    );
  });
});
