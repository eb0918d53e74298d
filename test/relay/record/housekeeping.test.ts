import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { type Engine, launchEngine } from '../../../server/engine/durable.ts';
import { fileChores } from '../../../server/housekeeping/file-chores.ts';
import { type Chore, sweep } from '../../../server/housekeeping/housekeeping.ts';
import { recordChores } from '../../../server/housekeeping/record-chores.ts';
import { type OwnDatabase, openOwnDatabase } from './own-database.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const OID = 'a'.repeat(40);

describe('housekeeping', function () {
  this.timeout(60_000);
  let own: OwnDatabase;
  let engine: Engine;
  /** What the sweeps of a test said, and what they warned of. */
  let said: unknown[];
  const logger = pino({ level: 'silent' });
  const hear = {
    info: (entry: object) => said.push(entry),
    warn: ({ chore }: { chore?: string }) => said.push({ failed: chore }),
  } as unknown as typeof logger;

  before(async () => {
    own = await openOwnDatabase();
    engine = await launchEngine({
      pool: own.pool,
      url: own.url,
      relayId: 'relay-1',
      host: 'host-1',
      logger,
      workflows: { greet: async () => 'hello' },
    });
  });
  beforeEach(async () => {
    said = [];
    for (const folder of Object.values(folders())) await rm(folder, { recursive: true, force: true });
    await own.pool.query(
      'TRUNCATE handoff.tasks, handoff.relays, handoff.usage, handoff.removed_tasks CASCADE',
    );
  });
  after(async () => {
    await engine.close();
    await own.close();
  });

  const folders = () => ({
    reposDir: join(own.folder, 'repos'),
    sourcesDir: join(own.folder, 'sources'),
    transfersDir: join(own.folder, 'transfers'),
  });
  const allChores = (options: { now?: number; host?: string } = {}): Chore[] => {
    const { now = Date.now(), host = 'host-1' } = options;
    const { database } = own;
    return [
      ...recordChores({ database, engine, retentionMs: 30 * DAY, now: () => now }),
      ...fileChores({ database, ...folders(), host, now: () => now }),
    ];
  };
  const swept = async (chores = allChores()): Promise<unknown[]> => {
    said = [];
    await sweep({ pool: own.pool, chores, logger: hear });
    return said;
  };
  const rows = async (text: string): Promise<unknown[]> =>
    (await own.pool.query({ text, rowMode: 'array' })).rows.flat();

  async function task(columns: {
    archived?: boolean;
    updatedAt?: number;
    sandbox?: boolean;
    prepared?: boolean;
    sourceId?: string;
    host?: string;
  }): Promise<string> {
    const taskId = randomUUID();
    const {
      archived = false,
      updatedAt = Date.now(),
      sandbox,
      prepared,
      sourceId,
      host = 'host-1',
    } = columns;
    await own.pool.query(
      `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, archived, sandbox, prepared, host)
       VALUES ($1, $1, 1, $2, $3, '[]', $4, $5, $6, $7)`,
      [
        taskId,
        updatedAt,
        JSON.stringify({ source: { commit: OID, branch: 'odd\0name', ...(sourceId ? { sourceId } : {}) } }),
        archived,
        sandbox ? '{}' : null,
        prepared ? '{}' : null,
        host,
      ],
    );
    return taskId;
  }
  const turn = async (taskId: string, state: 'ended' | 'parked'): Promise<string> => {
    const turnId = randomUUID();
    await own.pool.query(
      'INSERT INTO handoff.turns (turn_id, task_id, created_at, state) VALUES ($1, $2, 1, $3)',
      [turnId, taskId, state],
    );
    return turnId;
  };
  /** Makes a file, or with a slash at its end a folder, that was last written to so long ago (ms). */
  async function made(path: string, age: number): Promise<void> {
    await mkdir(join(path, path.endsWith('/') ? '.' : '..'), { recursive: true });
    if (!path.endsWith('/')) await writeFile(path, '');
    const then = new Date(Date.now() - age);
    await utimes(path, then, then);
  }

  it('removes archived tasks after their time, with their repository, and keeps what they used', async () => {
    const { reposDir } = folders();
    const old = await task({ archived: true, updatedAt: Date.now() - 31 * DAY });
    const elsewhere = await task({ archived: true, updatedAt: Date.now() - 31 * DAY, host: 'host-2' });
    const kept = [
      await task({ archived: true, updatedAt: Date.now() - 29 * DAY }),
      await task({ updatedAt: Date.now() - 31 * DAY }),
      await task({ archived: true, updatedAt: Date.now() - 31 * DAY, sandbox: true }),
    ];
    const turnId = await turn(old, 'ended');
    await own.pool.query(
      `INSERT INTO handoff.usage (turn_id, task_id, owner, at) VALUES ($1, $2, 'sam', 1)`,
      [turnId, old],
    );
    for (const taskId of [old, elsewhere, ...kept, 'unknown'])
      await made(join(reposDir, `${taskId}.git/`), 0);

    assert.deepEqual(await swept(), [
      { chore: 'archived tasks', removed: 2 },
      { chore: 'repositories of removed tasks', removed: 1 },
    ]);
    assert.deepEqual((await rows('SELECT task_id FROM handoff.tasks')).toSorted(), kept.toSorted());
    assert.deepEqual(await rows('SELECT turn_id FROM handoff.usage'), [turnId]);
    // Another machine's is left to it; one that this database never heard of may be another's.
    const left = [elsewhere, ...kept, 'unknown'].map((name) => `${name}.git`);
    assert.deepEqual((await readdir(reposDir)).toSorted(), left.toSorted());
    assert.deepEqual(await swept(allChores({ host: 'host-2' })), [
      { chore: 'repositories of removed tasks', removed: 1 },
    ]);
    assert.deepEqual(await swept(), []);
  });

  it('removes uploads that were used, that nobody came for, and that broke off', async () => {
    const { sourcesDir } = folders();
    const [used, waited, fresh, both] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await task({ sourceId: used, prepared: true });
    await task({ sourceId: waited });
    await task({ sourceId: fresh, prepared: true });
    await task({ sourceId: both, prepared: true });
    await task({ sourceId: both });
    const nobodys = [randomUUID(), randomUUID()];
    await made(join(sourcesDir, `${used}.bundle`), 2 * HOUR);
    await made(join(sourcesDir, `${waited}.bundle`), 9 * DAY);
    await made(join(sourcesDir, `${fresh}.bundle`), 0);
    await made(join(sourcesDir, `${both}.bundle`), 9 * DAY);
    await made(join(sourcesDir, `${nobodys[0]}.bundle`), 25 * HOUR);
    await made(join(sourcesDir, `${nobodys[1]}.bundle`), 23 * HOUR);
    await made(join(sourcesDir, 'broken.partial'), 25 * HOUR);
    await made(join(sourcesDir, 'coming.partial'), HOUR);

    assert.deepEqual(await swept(), [
      { chore: 'uploads that were used', removed: 2 },
      { chore: 'uploads that broke off', removed: 1 },
    ]);
    assert.deepEqual(
      (await readdir(sourcesDir)).toSorted(),
      [...[waited, fresh, both, nobodys[1]].map((id) => `${id}.bundle`), 'coming.partial'].toSorted(),
    );
  });

  it('removes what attempts and imports left that came to nothing', async () => {
    const { reposDir, transfersDir } = folders();
    const known = await task({});
    await made(join(reposDir, `${known}.git.new-${randomUUID()}/`), 25 * HOUR);
    await made(join(reposDir, `${known}.git.import-1/`), HOUR);
    await made(join(reposDir, 'lost.git/handoff-imported'), 0);
    await made(join(reposDir, 'lost.git/'), 2 * HOUR);
    await made(join(reposDir, `${known}.git/handoff-imported`), 0);
    await made(join(reposDir, `${known}.git/`), 2 * HOUR);
    await made(join(reposDir, 'coming.git/handoff-imported'), 0);
    await made(join(transfersDir, 'old/'), 25 * HOUR);
    await made(join(transfersDir, 'new/'), HOUR);

    assert.deepEqual(await swept(), [
      { chore: 'repositories of imports that came to nothing', removed: 1 },
      { chore: 'unfinished repositories', removed: 1 },
      { chore: 'exports and imports that broke off', removed: 1 },
    ]);
    const left = (await readdir(reposDir)).filter((name) => /^(lost|coming)|import/.test(name));
    assert.deepEqual(left.toSorted(), [`${known}.git.import-1`, 'coming.git'].toSorted());
    assert.deepEqual(await readdir(join(reposDir, `${known}.git`)), []);
    assert.deepEqual(await readdir(transfersDir), ['new']);
  });

  it('removes what steps of ended turns decided, and relays that are long gone', async () => {
    const taskId = await task({});
    const [ended, parked] = [await turn(taskId, 'ended'), await turn(taskId, 'parked')];
    for (const key of [
      `${ended}:rules`,
      `${ended}:m1c0:edit`,
      `${ended}:m1c1:media:0`,
      `${parked}:rules`,
      'checkout:t-1',
    ])
      await own.pool.query(`INSERT INTO handoff.memos VALUES ($1, $2, '{}')`, [taskId, key]);
    await own.pool.query(
      `INSERT INTO handoff.relays (relay_id, host, version, format, seen_at)
       VALUES ('gone', 'h', '1', 1, now() - interval '2 days'), ('here', 'h', '1', 1, now())`,
    );
    assert.deepEqual(await swept(), [
      { chore: 'decisions of ended turns', removed: 2 },
      { chore: 'relays that are gone', removed: 1 },
    ]);
    assert.deepEqual(
      await rows('SELECT key FROM handoff.memos ORDER BY key'),
      // What a model was shown is a part of its conversation, which goes on.
      [`${parked}:rules`, 'checkout:t-1', `${ended}:m1c1:media:0`].toSorted(),
    );
    assert.deepEqual(await rows('SELECT relay_id FROM handoff.relays'), ['here']);
  });

  it('forgets workflows that ended long ago', async () => {
    await engine.start('greet', 'greeting', null);
    assert.equal(await engine.result('greeting'), 'hello');
    assert.deepEqual(await swept(), []);
    assert.deepEqual(await swept(allChores({ now: Date.now() + 31 * DAY })), [
      { chore: 'ended workflows', removed: 1 },
    ]);
  });

  it('puts logs together, by one relay at a time', async () => {
    const taskId = await task({});
    const turnId = await turn(taskId, 'ended');
    const event = (seq: number, key: string, type: string) =>
      own.pool.query(`INSERT INTO handoff.events VALUES ($1, $2, $3, 1, $4, '{}')`, [
        taskId,
        seq,
        `${turnId}:${key}`,
        type,
      ]);
    await event(1, 'm1:1:text:0', 'text.delta');
    await event(2, 'm1:1:text:1', 'text.delta');
    await event(3, 'm1:answered', 'model.answered');
    await event(4, 'ended', 'turn.ended');
    let second: unknown[] | undefined;
    const meanwhile: Chore = {
      name: 'another relay sweeps meanwhile',
      scope: 'database',
      async run() {
        const own = said;
        second = await swept();
        said = own;
        return { removed: 0, isMore: false };
      },
    };
    const first = await swept([meanwhile, ...allChores()]);
    assert.deepEqual([second, first], [[], [{ chore: 'pieces of text and output', removed: 1 }]]);
  });

  it('is done but for what fails, and says at once where more is left', async () => {
    const failing: Chore = {
      name: 'fails',
      scope: 'machine',
      run: () => Promise.reject(new Error('no')),
    };
    const more: Chore = {
      name: 'more',
      scope: 'machine',
      run: async () => ({ removed: 7, isMore: true }),
    };
    assert.deepEqual(await sweep({ pool: own.pool, chores: [failing, more], logger: hear }), {
      isMore: true,
    });
    assert.deepEqual(said, [{ failed: 'fails' }, { chore: 'more', removed: 7 }]);
  });
});
