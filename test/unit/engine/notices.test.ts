import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { listen, type Notices } from '../../../server/engine/notices.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../server/engine/postgres.ts';

/** A line to Postgres that can be cut, and made to spoil a command; it says when it was called. */
interface Line {
  url: string;
  mode: 'through' | 'cut' | 'spoil-listen';
  calls: { at: number; ended: Promise<unknown> }[];
  /** Ends what is open, and takes up the mode. */
  become(mode: Line['mode']): void;
  untilCalls(count: number): Promise<void>;
  server: Server;
}

describe('notices', function () {
  this.timeout(60_000);
  let data: string;
  let postgres: EmbeddedPostgres;
  let line: Line;
  let notices: Notices | undefined;

  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'handoff-notices-'));
    await chmod(data, 0o711);
    postgres = await startEmbeddedPostgres(data, process.env, pino({ level: 'silent' }));
  });
  beforeEach(async () => {
    line = await openLine(postgres.url);
    notices = await listen(line.url);
  });
  afterEach(async () => {
    await notices?.close();
    line.become('cut');
    line.server.close();
  });
  after(async () => {
    postgres.stop();
    while (await readFile(join(data, 'postgres', 'postmaster.pid')).catch(() => undefined)) await delay(20);
    await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  it('ask for a database that is away one at a time, twice a second', async () => {
    line.become('cut');
    await line.untilCalls(6);
    const waits = line.calls.slice(2).map(({ at }, index) => at - (line.calls[index + 1]?.at ?? 0));
    assert.deepEqual(
      waits.map((wait) => wait >= 450),
      [true, true, true, true],
      `waited ${waits.map(Math.round)} ms`,
    );
  });

  it('come again when the database does, and wake everybody once', async () => {
    let woken = 0;
    const isWoken = new Promise<void>((resolve) =>
      notices?.subscribe('task', () => {
        woken++;
        resolve();
      }),
    );
    line.become('cut');
    await line.untilCalls(2);
    line.become('through');
    await isWoken;
    assert.equal(woken, 1);
    const isNotified = new Promise<void>((resolve) => notices?.subscribe('other', resolve));
    await notify(postgres.url, 'other');
    await isNotified;
  });

  it('let go of a connection on which they may not listen', async () => {
    line.become('spoil-listen');
    await line.untilCalls(3);
    await line.calls[1]?.ended;
    await line.calls[2]?.ended;
  });
});

async function notify(url: string, channelKey: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`SELECT pg_notify('handoff', $1)`, [channelKey]);
  await client.end();
}

async function openLine(databaseUrl: string): Promise<Line> {
  const { port, hostname } = new URL(databaseUrl);
  const open = new Set<Socket>();
  const waiting = new Set<() => void>();
  const server = createServer((socket) => {
    line.calls.push({ at: performance.now(), ended: once(socket, 'close') });
    for (const look of waiting) look();
    socket.on('error', () => {});
    if (line.mode === 'cut') {
      socket.destroy();
      return;
    }
    open.add(socket);
    const onward = connect(Number(port), hostname);
    onward.on('error', () => {}).pipe(socket);
    onward.once('close', () => socket.destroy());
    socket.once('close', () => onward.destroy());
    // As long as the right one, so that the message around it stays whole.
    socket.on('data', (chunk) =>
      onward.write(
        line.mode === 'spoil-listen' ? chunk.toString('latin1').replace('LISTEN', 'LISTER') : chunk,
        'latin1',
      ),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(databaseUrl);
  url.port = String(typeof address === 'object' && address ? address.port : 0);
  const line: Line = {
    url: url.href,
    mode: 'through',
    calls: [],
    become(mode) {
      line.mode = mode;
      for (const socket of open) socket.destroy();
      open.clear();
    },
    untilCalls: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (line.calls.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    server,
  };
  return line;
}
