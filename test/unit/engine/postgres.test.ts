import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pino } from 'pino';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../server/engine/postgres.ts';

const RELAY = fileURLToPath(new URL('../../../server/cli/main.ts', import.meta.url));
const logger = pino({ level: 'silent' });

describe('the embedded Postgres', function () {
  this.timeout(60_000);
  let data: string;
  let open: EmbeddedPostgres | undefined;
  let child: ChildProcess | undefined;
  const start = async () => (open = await startEmbeddedPostgres(data, process.env, logger));

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'handoff-postgres-'));
    // Where root runs the test, Postgres's own user has to pass through.
    await chmod(data, 0o711);
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    if (open) await end(open);
    [open, child] = [undefined, undefined];
    await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  const pidFile = () => join(data, 'postgres', 'postmaster.pid');
  const pidLine = async () => (await readFile(pidFile(), 'utf8').catch(() => '')).split('\n')[0] ?? '';

  /** Stops it, and waits until its process has taken its pid file away. */
  async function end(postgres: EmbeddedPostgres): Promise<void> {
    postgres.stop();
    while (await pidLine()) await delay(20);
    open = undefined;
  }

  async function answer(url: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query('SELECT current_database() AS name')).rows;
    } finally {
      await client.end();
    }
  }

  it('is made whole by the next start where the first was killed', async () => {
    child = spawn(process.execPath, [RELAY, 'relay'], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, HOME: process.env.HOME, HANDOFF_DATA: data, HANDOFF_PORT: '0' },
    });
    // initdb has written its first file, and goes on without the relay.
    await untilInitdbWrites(data);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const postgres = await start();
    assert.equal(postgres.origin, 'created');
    assert.deepEqual(await answer(postgres.url), [{ name: 'handoff' }]);
  });

  // Elsewhere the system does not tell what a process is.
  if (process.platform === 'linux') {
    it('starts where its recorded pid belongs to another Postgres by now', async () => {
      await end(await start());
      const script = `process.title = 'postgres'; console.log('ready'); setInterval(() => {}, 60_000)`;
      const other = spawn(process.execPath, ['-e', script], {
        cwd: '/',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      child = other;
      await once(other.stdout, 'data');
      await writeFile(pidFile(), `${child.pid}\n${join(data, 'postgres')}\n0\n1\n`);
      assert.equal((await start()).origin, 'started');
      assert.equal(child.exitCode ?? child.signalCode, null, 'and leaves that one alone');
    });
  }

  it('comes back on the same port when it was killed', async () => {
    const { url } = await start();
    const killed = await pidLine();
    process.kill(Number(killed), 'SIGKILL');
    while ((await pidLine()) === killed || !(await answer(url).catch(() => undefined))) await delay(50);
    assert.deepEqual(await answer(url), [{ name: 'handoff' }]);
  });
});

/** Until initdb, in whatever folder of the data, has come as far as to write its first file. */
async function untilInitdbWrites(data: string): Promise<void> {
  const hasBegun = async (): Promise<boolean> => {
    const files = await readdir(data, { recursive: true }).catch(() => []);
    return files.some((file) => basename(file) === 'PG_VERSION');
  };
  while (!(await hasBegun())) await delay(10);
}
