import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRelayClient, RelayError } from '../../../server/protocol/client.ts';
import type { TaskEvent } from '../../../server/protocol/events.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

const OID = 'a'.repeat(40);
const PUBLISH = { publishId: 'p1', stage: 'opened', branch: 'handoff/x', acceptedTree: OID };

describe('createRelayClient', () => {
  let server: Server;
  let answer: Answer;
  let seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  let url: string;

  beforeEach(async () => {
    seen = [];
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        seen.push({
          method: request.method ?? '',
          url: request.url ?? '',
          headers: request.headers,
          body: body.toString('utf8'),
        });
        answer(request, response, body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const client = (options: { silenceMs?: number } = {}) =>
    createRelayClient({ url: `${url}/`, token: 'secret', maxBackoffMs: 1, ...options });
  const json =
    (body: unknown, status = 200): Answer =>
    (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => assert.fail('it succeeded'),
      (error: unknown) => {
        assert.ok(error instanceof RelayError, String(error));
        return error;
      },
    );

  describe('requests', () => {
    it('send the token, and the body as JSON', async () => {
      answer = json({ taskId: 't1', turnId: 'u1' }, 201);
      const body = { clientId: 'client-1', prompt: 'do it', source: { url: 'file:///x', commit: OID } };
      assert.deepEqual(await client().createTask(body), { taskId: 't1', turnId: 'u1' });
      const [request] = seen;
      assert.deepEqual(
        [request?.method, request?.url, request?.headers.authorization, request?.headers['content-type']],
        ['POST', '/v1/tasks', 'Bearer secret', 'application/json'],
      );
      assert.deepEqual(JSON.parse(request?.body ?? ''), body);
    });

    it('ask for health without the token, for who listens there is not known yet', async () => {
      const health = { status: 'ok', version: '1.0.0', protocol: 1 };
      answer = json(health);
      assert.deepEqual(await client().health(), health);
      assert.equal(seen[0]?.headers.authorization, undefined);
    });

    it('escape ids and cursors', async () => {
      answer = json({ tasks: [] });
      await client().listTasks('a&b=c');
      answer = json({ stopped: false });
      await client().stop('../x');
      assert.deepEqual(
        seen.map((request) => request.url),
        ['/v1/tasks?cursor=a%26b%3Dc', '/v1/tasks/..%2Fx/stop'],
      );
    });

    it('carry the GitHub token in its header only', async () => {
      answer = json(PUBLISH);
      const body = { acceptedTree: OID, title: 'Fix it' };
      assert.deepEqual(await client().openPullRequest('t1', body, 'gho_1'), PUBLISH);
      assert.equal(seen[0]?.headers['x-github-token'], 'gho_1');
      assert.ok(!`${seen[0]?.url}${seen[0]?.body}`.includes('gho_1'));
    });

    it('upload and download bytes as they are', async () => {
      const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
      let uploaded: Buffer | undefined;
      answer = (request, response, body) => {
        uploaded = body;
        json({ sourceId: 's1', bytes: body.length })(request, response, body);
      };
      assert.deepEqual(await client().uploadSource(bytes), { sourceId: 's1', bytes: 300 });
      assert.equal(seen[0]?.headers['content-type'], 'application/octet-stream');
      assert.deepEqual(new Uint8Array(uploaded ?? []), bytes);
      answer = (_request, response) => response.end(bytes);
      assert.deepEqual(await client().blob('t1', OID), bytes);
    });

    it('read a patch of the proposal, or of one tree', async () => {
      answer = (_request, response) => response.end('diff --git a/x b/x\n');
      assert.deepEqual(await client().patch('t1'), new TextEncoder().encode('diff --git a/x b/x\n'));
      await client().patch('t1', OID);
      assert.deepEqual(
        seen.map((request) => request.url),
        ['/v1/tasks/t1/patch', `/v1/tasks/t1/patch?tree=${OID}`],
      );
    });

    it('archive with an answer that has no body', async () => {
      answer = (_request, response) => response.writeHead(204).end();
      assert.equal(await client().archive('t1'), undefined);
      assert.equal(seen[0]?.method, 'DELETE');
    });
  });

  describe('failures', () => {
    it("are the relay's own words", async () => {
      answer = json(
        { code: 'revision_changed', message: 'It moved on.', nextAction: 'Look again.', requestId: 'r1' },
        409,
      );
      const error = await failureOf(client().changes('t1'));
      assert.deepEqual(
        [error.code, error.message, error.nextAction, error.requestId, error.status],
        ['revision_changed', 'It moved on.', 'Look again.', 'r1', 409],
      );
    });

    it('of something that is not a relay have a code and a next action', async () => {
      answer = (_request, response) => response.writeHead(502).end('<html>');
      const { code, status, nextAction } = await failureOf(client().ready());
      assert.deepEqual([code, status, Boolean(nextAction)], ['internal', 502, true]);
    });

    it('of an answer in another shape ask for an update', async () => {
      answer = json({ tasks: 'none' });
      assert.equal((await failureOf(client().listTasks())).code, 'incompatible_client');
    });

    it('to connect are `unreachable`, and say no token', async () => {
      server.close();
      const error = await failureOf(client().ready());
      assert.deepEqual([error.code, error.status], ['unreachable', 0]);
      assert.ok(!error.message.includes('secret'));
    });
  });

  describe('events', () => {
    const event = (seq: number): TaskEvent => ({ seq, at: seq, type: 'turn.started', turnId: `u${seq}` });
    const frame = (value: TaskEvent) =>
      `id: ${value.seq}\nevent: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
    const stream = (response: ServerResponse, ...parts: string[]) => {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const part of parts) response.write(part);
    };

    /** Follows until `last` was delivered; what was delivered, the states, and which cursors were asked for. */
    async function followTo(last: number, options: { after?: number; silenceMs?: number } = {}) {
      const stop = new AbortController();
      const seqs: number[] = [];
      const states: string[] = [];
      await client(options).events('t1', options.after ?? 0, {
        signal: stop.signal,
        onState: (state) => states.push(state),
        onEvent: ({ seq }) => {
          seqs.push(seq);
          if (seq === last) stop.abort();
        },
      });
      const cursors = seen.map(({ url, headers }) => [url, headers['last-event-id']]);
      return { seqs, states, cursors };
    }

    it('arrive in order, whatever the chunks', async () => {
      answer = (_request, response) => {
        stream(response);
        for (const char of `: hello\n\n${frame(event(1))}${frame(event(2))}`) response.write(char);
      };
      assert.deepEqual(await followTo(2), {
        seqs: [1, 2],
        states: ['connected'],
        cursors: [['/v1/tasks/t1/events?after=0', '0']],
      });
    });

    it('go on after the last one seen when the connection is cut amid an event', async () => {
      answer = (_request, response) => {
        if (seen.length > 1) return stream(response, frame(event(6)));
        stream(response, frame(event(5)), frame(event(6)).slice(0, 30));
        setImmediate(() => response.socket?.end());
      };
      assert.deepEqual(await followTo(6, { after: 4 }), {
        seqs: [5, 6],
        states: ['connected', 'reconnecting', 'connected'],
        cursors: [
          ['/v1/tasks/t1/events?after=4', '4'],
          ['/v1/tasks/t1/events?after=5', '5'],
        ],
      });
    });

    it('are delivered once, though the relay repeats them', async () => {
      answer = (_request, response) =>
        stream(response, ...[1, 2, 1, 2, 2, 3].map((seq) => frame(event(seq))));
      assert.deepEqual((await followTo(3)).seqs, [1, 2, 3]);
    });

    it('are asked for again where one is missing', async () => {
      answer = (_request, response) =>
        stream(response, ...(seen.length === 1 ? [1, 3, 4] : [2, 3, 4]).map((seq) => frame(event(seq))));
      const { seqs, cursors } = await followTo(4);
      assert.deepEqual([seqs, cursors.at(-1)?.[1]], [[1, 2, 3, 4], '1']);
    });

    it('go on past a relay that restarts: refused, then not ready, then back', async () => {
      answer = (_request, response) => {
        if (seen.length === 1) {
          stream(response, frame(event(1)));
          setImmediate(() => response.destroy());
        } else if (seen.length === 2) response.socket?.destroy();
        else if (seen.length === 3)
          json({ code: 'not_ready', message: '', requestId: 'r' }, 503)(_request, response, Buffer.of());
        else stream(response, frame(event(2)));
      };
      assert.deepEqual((await followTo(2)).seqs, [1, 2]);
      assert.equal(seen.length, 4);
    });

    it('connect again when the stream falls silent', async () => {
      answer = (_request, response) => stream(response, seen.length === 1 ? ': hello\n\n' : frame(event(1)));
      const { states } = await followTo(1, { silenceMs: 50 });
      assert.deepEqual(states, ['connected', 'reconnecting', 'connected']);
    });

    it('connect again when there is not even an answer', async () => {
      answer = (_request, response) => {
        if (seen.length > 1) stream(response, frame(event(1)));
      };
      assert.deepEqual((await followTo(1, { silenceMs: 50 })).states, ['reconnecting', 'connected']);
    });

    it('end with the error where the relay refuses', async () => {
      const follow = () =>
        client().events('t1', 0, { signal: new AbortController().signal, onEvent: () => {} });
      answer = json({ code: 'unauthorized', message: 'No.', requestId: 'r' }, 401);
      assert.equal((await failureOf(follow())).code, 'unauthorized');
      answer = json({ code: 'not_found', message: 'Gone.', requestId: 'r' }, 404);
      assert.equal((await failureOf(follow())).code, 'not_found');
      assert.equal(seen.length, 2);
    });

    it('of a type that this version does not know end with an error, not a hole', async () => {
      answer = (_request, response) => stream(response, 'data: {"seq":1,"at":1,"type":"moon.landed"}\n\n');
      assert.equal((await failureOf(followTo(1))).code, 'incompatible_client');
    });

    it('resolve when aborted while waiting, and let the connection go', async () => {
      const stop = new AbortController();
      const closed = new Promise<void>((resolve) => {
        answer = (_request, response) => {
          response.on('close', () => resolve());
          stream(response, ': hello\n\n');
        };
      });
      await client().events('t1', 0, {
        signal: stop.signal,
        onEvent: () => {},
        onState: () => setImmediate(() => stop.abort()),
      });
      await closed;
    });

    it('pass on what the receiver throws', async () => {
      answer = (_request, response) => stream(response, frame(event(1)));
      const signal = new AbortController().signal;
      const onEvent = () => {
        throw new RangeError('mine');
      };
      await assert.rejects(client().events('t1', 0, { signal, onEvent }), new RangeError('mine'));
    });
  });
});
