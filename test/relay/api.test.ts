import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { PROTOCOL_VERSION } from '../../server/protocol/version.ts';
import { startRelay } from '../e2e/relay.ts';
import { openWorkshop, type Workshop } from './turn/workshop.ts';

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** Over node:http, because fetch does not let a caller choose Host or Origin. */
function send(
  url: string,
  options: {
    method?: string;
    headers?: Record<string, string>;
    body?: string | Uint8Array;
    bytes?: number;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body, bytes } = options;
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        sent.destroy();
        resolve({
          status: response.statusCode ?? 0,
          body: text.startsWith('{') ? JSON.parse(text) : { text },
        });
      });
    });
    sent.on('error', reject);
    // A body that is only announced: a server that refuses it answers without reading it.
    if (bytes === undefined) sent.end(body);
    else sent.setHeader('content-length', bytes).flushHeaders();
  });
}

describe('the relay’s API', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  let authorized: Record<string, string>;
  const json = (body: unknown) => ({
    method: 'POST',
    headers: { ...authorized, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const task = (overrides: object = {}) => ({
    clientId: randomUUID(),
    prompt: 'Do it',
    source: { url: `file://${workshop.repo}`, commit: workshop.commit },
    ...overrides,
  });
  before(async () => {
    workshop = await openWorkshop([{ steps: [{ text: 'Done.' }], otherwise: { text: 'More.' } }]);
    authorized = { authorization: `Bearer ${workshop.token}` };
  });
  after(() => workshop.close());

  it('answers health without a token, and nothing else', async () => {
    assert.deepEqual(await send(`${workshop.url}/v1/health`), {
      status: 200,
      body: { status: 'ok', version: '0.1.0', protocol: PROTOCOL_VERSION },
    });
    for (const [method, path] of [
      ['GET', '/v1/ready'],
      ['GET', '/v1/openapi.json'],
      ['GET', '/v1/tasks'],
      ['POST', '/v1/tasks'],
      ['POST', '/v1/sources'],
      ['GET', `/v1/tasks/${randomUUID()}/events`],
      ['GET', '/v1/nowhere'],
    ] as const) {
      const { status, body } = await send(workshop.url + path, {
        method,
        headers: { authorization: 'Bearer wrong' },
      });
      assert.deepEqual([path, status, body['code']], [path, 401, 'unauthorized']);
    }
  });

  it('refuses another Host, and any Origin, also with the token', async () => {
    const { port } = new URL(workshop.url);
    const rebound = await send(`${workshop.url}/v1/tasks`, {
      headers: { ...authorized, host: `evil.example:${port}` },
    });
    assert.deepEqual([rebound.status, rebound.body['code']], [403, 'forbidden_host']);
    const page = await send(`${workshop.url}/v1/health`, { headers: { origin: 'https://evil.example' } });
    assert.deepEqual([page.status, page.body['code']], [403, 'forbidden_origin']);
    const local = await send(`${workshop.url}/v1/ready`, {
      headers: { ...authorized, host: `localhost:${port}` },
    });
    assert.deepEqual(local, {
      status: 200,
      body: { ready: true, modelConfigured: true, model: 'fake-model', sandbox: 'local' },
    });
  });

  it('names what is wrong with a body, in the one shape of errors, and never its values', async () => {
    const cases: [string, unknown, RegExp][] = [
      ['no prompt', task({ prompt: '  ' }), /prompt/],
      ['a huge prompt', task({ prompt: 'x'.repeat(200_001) }), /prompt/],
      ['no source', task({ source: { commit: workshop.commit } }), /source/],
      ['a short commit', task({ source: { url: 'https://x/y', commit: 'abc' } }), /source\.commit/],
      [
        'credentials in the URL',
        task({ source: { url: 'https://me:canary-secret@host/x.git', commit: workshop.commit } }),
        /source\.url: must not contain credentials/,
      ],
      [
        'a path out of the repository',
        task({ source: { ...task().source, overlay: [{ path: '../x', mode: '100644', content: '' }] } }),
        /source\.overlay\.0\.path/,
      ],
      [
        'a path into .git',
        task({
          source: { ...task().source, overlay: [{ path: 'a/.GIT/config', mode: '100644', content: '' }] },
        }),
        /source\.overlay\.0\.path/,
      ],
      [
        'a sourceId that is a path',
        task({ source: { sourceId: '../../etc/x', commit: workshop.commit } }),
        /source\.sourceId/,
      ],
      ['a number', 7, /body/],
    ];
    for (const [name, body, message] of cases) {
      const answer = await send(`${workshop.url}/v1/tasks`, json(body));
      assert.deepEqual([name, answer.status, answer.body['code']], [name, 400, 'bad_request']);
      assert.match(String(answer.body['message']), message);
      assert.ok(answer.body['nextAction'] && answer.body['requestId']);
      assert.ok(!JSON.stringify(answer.body).includes('canary-secret'));
    }
    const broken = await send(`${workshop.url}/v1/tasks`, { ...json(null), body: '{"prompt": "x' });
    assert.deepEqual([broken.status, broken.body['code']], [400, 'bad_request']);
    const binary = await send(`${workshop.url}/v1/tasks`, {
      ...json(null),
      body: new Uint8Array([0xff, 0xfe, 0]),
    });
    assert.deepEqual([binary.status, binary.body['code']], [400, 'bad_request']);
    const huge = await send(`${workshop.url}/v1/tasks`, {
      ...json(null),
      bytes: 49 * 1024 * 1024,
    });
    assert.deepEqual([huge.status, huge.body['code']], [413, 'payload_too_large']);
  });

  it('answers 404 for what is not there', async () => {
    for (const path of ['/v1/nowhere', `/v1/tasks/${randomUUID()}`, `/v1/tasks/${randomUUID()}/events`]) {
      const { status, body } = await send(workshop.url + path, { headers: authorized });
      assert.deepEqual([path, status, body['code']], [path, 404, 'not_found']);
    }
    const odd = await send(`${workshop.url}/v1/tasks/not-a-uuid`, { headers: authorized });
    assert.deepEqual([odd.status, odd.body['code']], [400, 'bad_request']);
  });

  it('makes one task of the same clientId, also when asked at the same time', async () => {
    const command = task();
    const answers = await Promise.all([1, 2, 3].map(() => send(`${workshop.url}/v1/tasks`, json(command))));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201, 201],
    );
    assert.deepEqual(answers[1]?.body, answers[0]?.body);
    assert.deepEqual(answers[2]?.body, answers[0]?.body);
    const taskId = String(answers[0]?.body['taskId']);
    await workshop.watch(taskId).until('turn.ended');
    const { turns } = await workshop.client.getTask(taskId);
    assert.equal(turns.length, 1);
    await workshop.client.archive(taskId);
  });

  it('lists tasks newest first, page by page, without archived ones', async () => {
    const made: string[] = [];
    for (const prompt of ['one', 'two', 'three']) made.unshift(await workshop.delegate(prompt));
    const first = await send(`${workshop.url}/v1/tasks?limit=2`, { headers: authorized });
    const titles = (answer: Answer) =>
      (answer.body['tasks'] as { title: string }[]).map(({ title }) => title);
    assert.deepEqual(titles(first), ['three', 'two']);
    const next = await send(`${workshop.url}/v1/tasks?limit=2&cursor=${first.body['next']}`, {
      headers: authorized,
    });
    assert.deepEqual([titles(next), next.body['next']], [['one'], undefined]);
    for (const taskId of made) await workshop.watch(taskId).until('turn.ended');
    await workshop.client.archive(made[0] ?? '');
    assert.deepEqual(titles(await send(`${workshop.url}/v1/tasks`, { headers: authorized })), ['two', 'one']);
    const state = await workshop.client.getTask(made[0] ?? '');
    assert.deepEqual([state.title, state.status], ['three', 'archived'], 'its record is kept');
  });

  it('resumes events from any place, by header or by query, the header winning', async () => {
    const taskId = await workshop.delegate('events');
    const watched = workshop.watch(taskId);
    const last = (await watched.until('turn.ended')).seq;
    for (const after of [0, 1, Math.floor(last / 2), last - 1]) {
      const rest = workshop.watch(taskId, after);
      await rest.until('turn.ended');
      assert.deepEqual(rest.events, watched.events.slice(after));
    }
    const end = new AbortController();
    const response = await fetch(`${workshop.url}/v1/tasks/${taskId}/events?after=1`, {
      headers: { ...authorized, 'last-event-id': String(last - 1) },
      signal: end.signal,
    });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('turn.ended')) break;
    }
    end.abort();
    assert.deepEqual(text.match(/^id: \d+$/gm), [`id: ${last}`]);
  });

  it('refuses a review of another revision, and a pull request for a tree that was not accepted', async () => {
    const taskId = await workshop.delegate('review');
    await workshop.watch(taskId).until('turn.ended');
    const url = `${workshop.url}/v1/tasks/${taskId}`;
    const review = await send(`${url}/review`, { ...json({ revision: 7, accepted: [] }), method: 'PUT' });
    assert.deepEqual([review.status, review.body['code']], [409, 'revision_changed']);
    const pull = await send(`${url}/pull-request`, json({ acceptedTree: 'a'.repeat(40), title: 'x' }));
    assert.deepEqual([pull.status, pull.body['code']], [409, 'tree_not_accepted']);
    const { acceptedTree } = await workshop.client.putReview(taskId, { revision: 0, accepted: [] });
    const empty = await send(`${url}/pull-request`, json({ acceptedTree, title: 'x' }));
    assert.deepEqual([empty.status, empty.body['code']], [409, 'nothing_accepted']);
  });

  it('takes a bundle, and refuses what is none', async () => {
    const headers = { ...authorized, 'content-type': 'application/octet-stream' };
    const bad = await send(`${workshop.url}/v1/sources`, { method: 'POST', headers, body: 'not a bundle' });
    assert.deepEqual([bad.status, bad.body['code']], [400, 'bad_request']);
    const body = Buffer.from('# v2 git bundle\n\n');
    const good = await send(`${workshop.url}/v1/sources`, { method: 'POST', headers, body });
    assert.deepEqual([good.status, good.body['bytes']], [201, body.byteLength]);
  });

  it('describes itself by the schemas that it checks with', async () => {
    const { status, body } = await send(`${workshop.url}/v1/openapi.json`, { headers: authorized });
    assert.equal(status, 200);
    const paths = body['paths'] as Record<string, Record<string, unknown>>;
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(routes.sort(), [
      'DELETE /v1/secrets/{name}',
      'DELETE /v1/tasks/{id}',
      'DELETE /v1/tasks/{id}/comments/{commentId}',
      'DELETE /v1/tasks/{id}/messages/{messageId}',
      'DELETE /v1/tasks/{id}/previews/{previewId}',
      'DELETE /v1/tasks/{id}/unattended',
      'GET /v1/health',
      'GET /v1/ready',
      'GET /v1/secrets',
      'GET /v1/tasks',
      'GET /v1/tasks/{id}',
      'GET /v1/tasks/{id}/blobs/{oid}',
      'GET /v1/tasks/{id}/changes',
      'GET /v1/tasks/{id}/commands',
      'GET /v1/tasks/{id}/events',
      'GET /v1/tasks/{id}/export',
      'GET /v1/tasks/{id}/patch',
      'GET /v1/tasks/{id}/ports',
      'GET /v1/tasks/{id}/previews',
      'GET /v1/tasks/{id}/trace',
      'GET /v1/tasks/{id}/turns/{turnId}/aftermath',
      'GET /v1/tasks/{id}/unattended',
      'GET /v1/tasks/{id}/update',
      'GET /v1/usage',
      'PATCH /v1/tasks/{id}/comments/{commentId}',
      'PATCH /v1/tasks/{id}/messages/{messageId}',
      'PATCH /v1/tasks/{id}/review',
      'POST /v1/hooks/github',
      'POST /v1/sources',
      'POST /v1/tasks',
      'POST /v1/tasks/import',
      'POST /v1/tasks/{id}/agents/{agentId}/bring-in',
      'POST /v1/tasks/{id}/agents/{agentId}/stop',
      'POST /v1/tasks/{id}/answers',
      'POST /v1/tasks/{id}/blobs',
      'POST /v1/tasks/{id}/comments',
      'POST /v1/tasks/{id}/comments/submit',
      'POST /v1/tasks/{id}/commits',
      'POST /v1/tasks/{id}/messages',
      'POST /v1/tasks/{id}/previews',
      'POST /v1/tasks/{id}/pull-request',
      'POST /v1/tasks/{id}/pull-request/fix',
      'POST /v1/tasks/{id}/pull-request/preflight',
      'POST /v1/tasks/{id}/pull-request/refresh',
      'POST /v1/tasks/{id}/rollback',
      'POST /v1/tasks/{id}/stop',
      'POST /v1/tasks/{id}/update',
      'POST /v1/warm',
      'PUT /v1/secrets/{name}',
      'PUT /v1/tasks/{id}/proposal/files',
      'PUT /v1/tasks/{id}/pull-request/follow',
      'PUT /v1/tasks/{id}/review',
      'PUT /v1/tasks/{id}/threads/{threadId}',
      'PUT /v1/tasks/{id}/unattended',
    ]);
  });

  it('sends a second relay on the same data to the first', async () => {
    const second = await startRelay({ HANDOFF_DATA: workshop.data, HANDOFF_PORT: '0' });
    assert.equal(second.url, workshop.url);
    await second.close();
    assert.equal((await send(`${workshop.url}/v1/health`)).status, 200, 'and leaves it alone');
  });
});
