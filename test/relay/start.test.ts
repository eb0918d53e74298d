import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serveHttp } from '../../server/http/serve.ts';
import { acquireLock, type ProcessLock } from '../../server/lock.ts';
import { DATA_FILES } from '../../server/protocol/locations.ts';
import { takeFolder } from '../../server/running-relay.ts';
import { type RelayProcess, startRelay } from '../e2e/relay.ts';
import { readToken } from './turn/token.ts';
import { openWorkshop, type Workshop } from './turn/workshop.ts';

const CLI = fileURLToPath(new URL('../../server/cli/main.ts', import.meta.url));

describe('the start of a relay', function () {
  this.timeout(60_000);
  let directory: string;
  let data: string;
  let relays: RelayProcess[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'handoff-start-'));
    await chmod(directory, 0o711);
    data = join(directory, 'data');
    relays = [];
  });
  afterEach(async () => {
    for (const relay of relays) await relay.close();
    await untilPostgresEnds(data);
    await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });
  const start = async (env: Record<string, string> = {}) => {
    const relay = await startRelay({ HANDOFF_DATA: data, HANDOFF_PORT: '0', ...env });
    relays.push(relay);
    return relay;
  };

  it('fails at once, and leaves nothing behind, where the chosen port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { code, stderr } = await runToItsEnd({ HANDOFF_DATA: data, HANDOFF_PORT: String(port) });
    other.close();
    assert.deepEqual(
      [code, stderr],
      [
        1,
        `handoff: Port ${port} on 127.0.0.1 is in use.\nhandoff: Set HANDOFF_PORT to another one, or 0 for any free port.\n`,
      ],
    );
    assert.deepEqual(await readdir(data), ['token'], 'no database was begun');
  });

  it('ends, and ends its Postgres, where it fails later', async () => {
    // The last thing that is needed before the engine, and cannot be had.
    await mkdir(join(data, 'relay-id'), { recursive: true });
    const { code } = await runToItsEnd({ HANDOFF_DATA: data, HANDOFF_PORT: '0' });
    assert.equal(code, 1);
    await untilPostgresEnds(data);
    const lock = await acquireLock(data);
    assert.notEqual(lock, undefined);
    await lock?.release();
  });

  it('serves one folder by one relay, also by another of its names, and keeps its token', async () => {
    const first = await start();
    const token = await readToken(data);
    const second = await start({ HANDOFF_DATA: `${data}/`, HANDOFF_TOKEN: 'another-token-of-some-length' });
    assert.equal(second.url, first.url);
    assert.equal(await readToken(data), token);
  });

  it('says by which address it is reached where it listens on all of them', async () => {
    const { url } = await start({ HANDOFF_HOST: '0.0.0.0' });
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await fetch(`${url}/v1/health`)).status, 200);
    const file = join(data, DATA_FILES.relay);
    assert.equal(JSON.parse(await readFile(file, 'utf8')).url, url);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });
});

describe('a data folder that another relay holds', () => {
  let data: string;
  let other: Server;
  let url: string;
  let held: ProcessLock | undefined;
  let healthy: boolean;
  let onLook: () => void;

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'handoff-held-'));
    [healthy, onLook] = [true, () => {}];
    other = createServer((_request, response) => {
      onLook();
      response.writeHead(healthy ? 200 : 503).end();
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    held = await acquireLock(data);
  });
  afterEach(async () => {
    await held?.release();
    other.close();
    await rm(data, { recursive: true });
  });
  const announce = (text: string) => writeFile(join(data, DATA_FILES.relay), text);

  it('is its holder’s', async () => {
    await announce(JSON.stringify({ url, pid: process.pid }));
    assert.deepEqual(await takeFolder(data), { url });
  });

  it('is taken over where the holder goes away while it is waited for', async () => {
    await announce(JSON.stringify({ url, pid: process.pid }));
    healthy = false;
    onLook = () => void held?.release();
    const taken = await takeFolder(data);
    assert.deepEqual(Object.keys(taken), ['lock']);
    held = 'lock' in taken ? taken.lock : undefined;
  });

  it('is waited for while its announcement is half a file, and not for ever', async () => {
    await announce('{"url": "http://127.0');
    await assert.rejects(takeFolder(data, 150), { code: 'not_ready' });
  });
});

describe('the port of a relay', () => {
  it('answers not_ready until there is something to serve', async () => {
    const server = await serveHttp({ host: '127.0.0.1', port: 0, portIsChosen: true });
    try {
      const early = await fetch(`${server.url}/v1/health`);
      const { requestId, ...body } = await early.json();
      assert.equal(typeof requestId, 'string');
      assert.deepEqual(
        [early.status, body],
        [503, { code: 'not_ready', message: 'The relay is starting.', nextAction: 'Try again in a moment.' }],
      );
      server.use({ fetch: () => new Response('served') });
      assert.equal(await (await fetch(server.url)).text(), 'served');
    } finally {
      await server.close();
    }
  });

  it('gives an upload all the time that it needs, and headers a minute', async () => {
    const server = await serveHttp({ host: '127.0.0.1', port: 0, portIsChosen: true });
    const seen: unknown[] = [];
    const look = (message: unknown): void => {
      const { requestTimeout, headersTimeout } = (message as { server: Server }).server;
      seen.push({ requestTimeout, headersTimeout });
    };
    diagnostics.subscribe('http.server.request.start', look);
    try {
      await fetch(server.url);
      assert.deepEqual(seen, [{ requestTimeout: 0, headersTimeout: 60_000 }]);
    } finally {
      diagnostics.unsubscribe('http.server.request.start', look);
      await server.close();
    }
  });
});

describe('a relay in the middle of a command', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  const gate = 'while [ ! -e gate ]; do sleep 0.02; done';
  beforeEach(async () => {
    const command = `echo before; ${gate}; echo after`;
    workshop = await openWorkshop([
      { steps: [{ toolCalls: [{ name: 'bash', arguments: { command } }] }, { text: 'Done.' }] },
    ]);
  });
  afterEach(() => workshop.close());

  it('never takes its own end for the command’s', async () => {
    const watched = workshop.watch(await workshop.delegate('Wait'));
    await watched.until('tool.output');
    await workshop.kill('SIGTERM');
    await workshop.start();
    await workshop.openGate();
    assert.equal((await watched.until('tool.finished')).output, 'before\nafter');
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
  });

  it('lives on where its Postgres is killed, and goes on with another', async () => {
    const watched = workshop.watch(await workshop.delegate('Wait'));
    await watched.until('tool.output');
    const { pid } = JSON.parse(await readFile(join(workshop.data, DATA_FILES.relay), 'utf8'));
    const [postmaster] = (await readFile(join(workshop.data, 'postgres', 'postmaster.pid'), 'utf8')).split(
      '\n',
    );
    process.kill(Number(postmaster), 'SIGKILL');
    await workshop.openGate();
    assert.equal((await watched.until('tool.finished')).output, 'before\nafter');
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.equal(process.kill(pid, 0), true, 'the same relay');
  });
});

/** Runs a relay that is expected to fail. */
async function runToItsEnd(env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [CLI, 'relay'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH, HOME, HANDOFF_LOG: 'error', ...env },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // One that lives on would hold up the test run with what it has open.
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, stderr };
}

/** Postgres ends a moment after its relay, and takes its pid file away at the very last. */
async function untilPostgresEnds(data: string): Promise<void> {
  const pidFile = join(data, 'postgres', 'postmaster.pid');
  while (await readFile(pidFile).catch(() => undefined)) await delay(20);
}
