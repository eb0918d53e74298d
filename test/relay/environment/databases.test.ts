import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { config, openStage, type Stage, says } from './stage.ts';

/** An SQLite file with one row. */
function sqliteFile(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'handoff-sqlite-'));
  try {
    execFileSync('sqlite3', [
      join(folder, 'db'),
      "CREATE TABLE trips (name); INSERT INTO trips VALUES ('Oslo')",
    ]);
    return readFileSync(join(folder, 'db'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the database copy of a task', function () {
  this.timeout(60_000);
  let stage: Stage;
  before(async () => {
    stage = await openStage({ shop: 'shop-template' });
    const { pool } = stage.database;
    for (const name of ['postgres', 'template1', 'handoff']) {
      await pool.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
    }
    await pool.query('CREATE DATABASE "shop-template"');
  });
  after(() => stage.close());

  describe('of a file', () => {
    const sql = (query: string) => `sqlite3 "$HANDOFF_DATABASE_FILE" ${JSON.stringify(query)}`;
    const task = (template = 'db/dev.sqlite', more = {}) =>
      stage.task({
        ...config({ database: { kind: 'sqlite', template }, ...more }),
        'db/dev.sqlite': sqliteFile(),
      });

    it('is its own, beside others that work at the same time, and no part of what is proposed', async () => {
      const started = await Promise.all([stage.start(await task()), stage.start(await task())]);
      const [one, two] = started;
      assert.ok(one && two);
      await Promise.all([
        says(one.sandbox, sql("INSERT INTO trips VALUES ('Rome')")),
        says(two.sandbox, sql('DELETE FROM trips')),
      ]);
      const rows = await Promise.all(
        started.map(({ sandbox }) => says(sandbox, sql('SELECT name FROM trips'))),
      );
      assert.deepEqual(rows, ['Oslo\nRome', '']);
      assert.deepEqual([await one.changed(), await two.changed()], [false, false]);
      assert.equal(await says(one.bare, 'sqlite3 db/dev.sqlite "SELECT name FROM trips"'), 'Oslo');
      assert.deepEqual(one.notes, [
        'DATABASE_URL is the URL of a sqlite database that is yours alone: change it as you like.',
      ]);
      assert.equal(
        await says(one.sandbox, 'echo "$DATABASE_URL $HANDOFF_DATABASE_FILE"'),
        'sqlite:////var/handoff/database/dev.sqlite /var/handoff/database/dev.sqlite',
      );
    });

    it('is there as the task left it when the machine wakes, and for another relay', async () => {
      const { taskId, bare, sandbox } = await stage.start(await task());
      await says(sandbox, sql("INSERT INTO trips VALUES ('Rome')"));
      await stage.fixture.provider.hibernate(bare.ref);
      const resumed = await stage.fixture.provider.resume(bare.ref);
      const other = stage.environment();
      await stage.ready(taskId, resumed, other);
      assert.equal(
        await says(await other.dress(taskId, resumed), sql('SELECT name FROM trips')),
        'Oslo\nRome',
      );
    });

    it('may be of a file that setup makes', async () => {
      const command = 'mkdir ignored && sqlite3 ignored/made.sqlite "CREATE TABLE made (n)"';
      const { sandbox } = await stage.start(await task('ignored/made.sqlite', { setup: { command } }));
      assert.equal(await says(sandbox, sql('.tables')), 'made');
    });

    it('of what is not there is told, and the task goes on', async () => {
      const { taskId } = await stage.start(await task('db'));
      assert.deepEqual(
        stage.told.filter((one) => one.taskId === taskId).map(({ event }) => event),
        [
          {
            type: 'environment.noted',
            text: 'The repository asks for a copy of the database file db, and it is not there: commit it, or have setup make it.',
          },
        ],
      );
    });
  });

  describe('of a Postgres template', () => {
    const psql = (query: string) => `psql -X -A -t -q "$DATABASE_URL" -c ${JSON.stringify(query)} 2>&1`;
    const task = (more = {}) =>
      stage.task(config({ database: { kind: 'postgres', template: 'shop' }, ...more }));

    before(async () => {
      const url = new URL(stage.database.url);
      url.pathname = '/shop-template';
      execFileSync('psql', [
        url.href,
        '-q',
        '-c',
        "CREATE TABLE trips (name text); INSERT INTO trips VALUES ('Oslo')",
      ]);
    });

    it('is reached in the sandbox, and is its own beside others that work at the same time', async () => {
      const started = await Promise.all([stage.start(await task()), stage.start(await task())]);
      const [one, two] = started;
      assert.ok(one && two);
      await Promise.all([
        says(one.sandbox, psql("INSERT INTO trips VALUES ('Rome')")),
        says(two.sandbox, psql('ALTER TABLE trips ADD COLUMN length int; DELETE FROM trips')),
      ]);
      const rows = await Promise.all(
        started.map(({ sandbox }) => says(sandbox, psql('SELECT name FROM trips ORDER BY 1'))),
      );
      assert.deepEqual(rows, ['Oslo\nRome', '']);
      // With the other's name, and its own password: there is no way in.
      const url = await says(one.bare, 'echo');
      assert.equal(url, '');
      const other = await says(two.sandbox, 'echo "$DATABASE_URL" | sed "s#.*/##"');
      const trespass = await says(one.sandbox, `psql -X "\${DATABASE_URL%/*}/${other}" -c 'SELECT 1' 2>&1`);
      assert.match(trespass, /permission denied for database/);
    });

    it('hides its password in what commands print', async () => {
      const { sandbox } = await stage.start(await task());
      assert.match(
        await says(sandbox, 'env | grep ^DATABASE_URL'),
        /^DATABASE_URL=postgresql:\/\/handoff_[0-9a-f]{32}:\[secret DATABASE_URL\]@127\.0\.0\.1:5432\/handoff_[0-9a-f]{32}$/,
      );
    });

    it('leaves its usual port to a service that wants it', async () => {
      const services = [{ name: 'own', command: 'exec sleep 1000', port: 5432, ready: { command: 'true' } }];
      const { sandbox } = await stage.start(await task({ services }));
      assert.equal(await says(sandbox, psql('SELECT name FROM trips')), 'Oslo');
      assert.match(await says(sandbox, 'echo $DATABASE_URL'), /:5433\//);
    });

    it('that somebody dropped is made anew when the task goes on, and each loss is told', async () => {
      const environment = stage.environment();
      const { taskId, bare, sandbox } = await stage.start(await task(), environment);
      assert.deepEqual(
        stage.told.filter((one) => one.taskId === taskId),
        [],
      );
      await environment.release(taskId);
      await stage.ready(taskId, bare, environment);
      assert.match(
        JSON.stringify(stage.told.filter((one) => one.taskId === taskId)),
        /shop was gone, and was made anew/,
      );
      assert.equal(await says(sandbox, psql('SELECT name FROM trips')), 'Oslo');
      await stage.ready(taskId, bare, environment);
      await environment.release(taskId);
      await stage.ready(taskId, bare, environment);
      const losses = stage.told.filter((one) => one.taskId === taskId);
      assert.equal(losses.length, 2, 'each loss is told, and once');
    });

    it('goes with the task: when it is archived, or when it is found to be gone', async () => {
      const environment = stage.environment();
      const tasks = await Promise.all([task(), task(), task()]);
      for (const taskId of tasks) await environment.spec(taskId);
      const copies = async () => {
        const { rows } = await stage.database.pool.query<{ comment: string }>(
          "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname LIKE 'handoff\\_%'",
        );
        return tasks.filter((taskId) => rows.some(({ comment }) => comment.endsWith(taskId)));
      };
      assert.deepEqual(await copies(), tasks);
      const [archived, gone, alive] = tasks;
      await environment.release(archived ?? '');
      await environment.release(archived ?? '');
      assert.deepEqual(await copies(), [gone, alive]);
      await stage.environment().reap(async (taskId) => taskId === gone);
      assert.deepEqual(await copies(), [alive]);
    });
  });
});
