import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import {
  createPostgresCopies,
  type PostgresCopies,
  type PostgresCopy,
} from '../../../server/environment/postgres-copies.ts';
import { type OwnDatabase, openOwnDatabase } from '../record/own-database.ts';

/** What a server's owner runs once, so that accounts get only where they are let in. */
const CLOSED = ['postgres', 'template1', 'handoff'].map(
  (name) => `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`,
);

const TEMPLATE = `
  CREATE TYPE colour AS ENUM ('red', 'green');
  CREATE SCHEMA extra;
  CREATE TABLE trips (id serial PRIMARY KEY, name text NOT NULL, colour colour DEFAULT 'red');
  CREATE TABLE extra.notes (id bigint GENERATED ALWAYS AS IDENTITY, text text);
  CREATE SEQUENCE extra.numbers;
  CREATE VIEW names AS SELECT name FROM trips;
  CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * n';
  INSERT INTO trips (name) VALUES ('Lisbon'), ('Oslo');
`;

describe('databases of tasks', function () {
  this.timeout(60_000);
  let own: OwnDatabase;
  let copies: PostgresCopies;
  const key = { bytes: randomBytes(32) };
  const made = () =>
    createPostgresCopies({
      databases: { shop: at('shop-template'), other: at('shop-template') },
      key: async () => key,
    });

  const at = (database: string): string => {
    const url = new URL(own.url);
    url.pathname = `/${database}`;
    return url.href;
  };
  const urlOf = ({ host, port, user, password, database }: PostgresCopy): string =>
    `postgresql://${user}:${password}@${host}:${port}/${database}`;

  async function asks<Row extends pg.QueryResultRow>(url: string, ...queries: string[]): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
    client.on('error', () => {});
    await client.connect();
    try {
      let rows: Row[] = [];
      for (const query of queries) rows = (await client.query<Row>(query)).rows;
      return rows;
    } finally {
      await client.end();
    }
  }
  const provided = async (taskId: string, by = copies): Promise<PostgresCopy> =>
    (await by.provide(taskId, 'shop')).copy;
  const names = (url: string) => asks<{ name: string }>(url, 'SELECT name FROM trips ORDER BY 1');
  const administrator = (...queries: string[]) => asks(at('postgres'), ...queries);
  const left = async (): Promise<string[]> =>
    (
      await asks<{ name: string }>(
        at('postgres'),
        `SELECT datname AS name FROM pg_database WHERE datname LIKE 'handoff\\_%'
         UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'handoff\\_%'`,
      )
    ).map(({ name }) => name);

  before(async () => {
    own = await openOwnDatabase();
    await administrator(...CLOSED, 'CREATE DATABASE "shop-template"');
    await asks(at('shop-template'), TEMPLATE);
    copies = made();
  });
  afterEach(async () => {
    for (const taskId of ['task-1', 'task-2']) await copies.remove(taskId);
    assert.deepEqual(await left(), []);
  });
  after(() => own.close());

  it('are copies: what a task writes is in its own, and nowhere else', async () => {
    const [one, two] = await Promise.all([provided('task-1'), provided('task-2')]);
    await asks(urlOf(one), "INSERT INTO trips (name) VALUES ('Rome')");
    await asks(urlOf(two), 'DELETE FROM trips');
    assert.deepEqual(await names(urlOf(one)), [{ name: 'Lisbon' }, { name: 'Oslo' }, { name: 'Rome' }]);
    assert.deepEqual(await names(urlOf(two)), []);
    assert.deepEqual(await names(at('shop-template')), [{ name: 'Lisbon' }, { name: 'Oslo' }]);
  });

  it('are made for many tasks at the same time', async () => {
    await administrator('GRANT CONNECT, TEMPORARY ON DATABASE "shop-template" TO PUBLIC');
    const tasks = Array.from({ length: 8 }, (_, index) => `many-${index}`);
    try {
      const all = await Promise.all(tasks.map((taskId) => provided(taskId, made())));
      assert.equal(new Set(all.map(({ database }) => database)).size, 8);
      assert.deepEqual((await copies.list()).sort(), tasks);
    } finally {
      await Promise.all(tasks.map((taskId) => copies.remove(taskId)));
    }
  });

  it('belong to their task: it may change all that is in them, and make more', async () => {
    const copy = await provided('task-1');
    const rows = await asks(
      urlOf(copy),
      'ALTER TABLE trips ADD COLUMN length integer DEFAULT 3',
      "ALTER TYPE colour ADD VALUE 'blue'",
      'ALTER TABLE extra.notes RENAME TO remarks',
      'DROP VIEW names',
      'CREATE OR REPLACE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql AS $$ SELECT n + n $$',
      'ALTER SEQUENCE extra.numbers RESTART WITH 7',
      'CREATE SCHEMA more; CREATE TABLE more.t (); CREATE TABLE public.u ()',
      'SELECT twice(length) AS n FROM trips LIMIT 1',
    );
    assert.deepEqual(rows, [{ n: 6 }]);
  });

  it('are opened by their task’s account alone, and that opens nothing else', async () => {
    const [one, two] = await Promise.all([provided('task-1'), provided('task-2')]);
    for (const database of [two.database, 'shop-template', 'postgres', 'template1', 'handoff']) {
      await assert.rejects(asks(urlOf({ ...one, database }), 'SELECT 1'), { code: '42501' }, database);
    }
    await assert.rejects(asks(urlOf({ ...one, password: two.password }), 'SELECT 1'), { code: '28P01' });
    const rights = 'rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolinherit';
    assert.deepEqual(
      await administrator(`SELECT ${rights}, rolconnlimit FROM pg_roles WHERE rolname = '${one.user}'`),
      [
        {
          rolsuper: false,
          rolcreatedb: false,
          rolcreaterole: false,
          rolreplication: false,
          rolbypassrls: false,
          rolinherit: false,
          rolconnlimit: 20,
        },
      ],
    );
    for (const query of [
      `GRANT CONNECT ON DATABASE ${one.database} TO PUBLIC`,
      `ALTER DATABASE ${one.database} RENAME TO mine`,
      `COMMENT ON DATABASE ${one.database} IS 'mine'`,
      `COPY trips TO PROGRAM 'id'`,
      "SELECT pg_read_file('/etc/passwd')",
    ]) {
      // A grant of what is not one's own to grant is a warning, and does nothing.
      await asks(urlOf(one), query).catch((error: { code?: string }) =>
        assert.equal(error.code, '42501', query),
      );
    }
    await assert.rejects(asks(urlOf({ ...two, database: one.database }), 'SELECT 1'), { code: '42501' });
  });

  it('are made once, however often and by whomever they are asked for', async () => {
    const all = await Promise.all([provided('task-1'), provided('task-1', made())]);
    const [copy] = all;
    await asks(urlOf(copy), "INSERT INTO trips (name) VALUES ('Rome')");
    assert.deepEqual([all[1], await copies.provide('task-1', 'shop')], [copy, { copy, isNew: false }]);
    assert.equal((await names(urlOf(copy))).length, 3);
    assert.deepEqual((await left()).sort(), [copy.database, copy.user]);
    assert.deepEqual(await copies.list(), ['task-1']);
  });

  /** What a relay that was killed at some point left: each is gone on with. */
  const KILLED: [when: string, left: (copy: PostgresCopy) => string[]][] = [
    [
      'the account was made, with a password nobody knows',
      ({ user }) => [`CREATE ROLE ${user} LOGIN PASSWORD 'x'`],
    ],
    [
      'the database was created, and nobody let in',
      ({ user, database }) => [
        `CREATE ROLE ${user} LOGIN`,
        `CREATE DATABASE ${database} TEMPLATE "shop-template" ALLOW_CONNECTIONS false`,
      ],
    ],
    [
      'the database was opened, and what is in it not yet the task’s',
      ({ user, database }) => [
        `CREATE ROLE ${user} LOGIN`,
        `CREATE DATABASE ${database} TEMPLATE "shop-template"`,
        `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`,
      ],
    ],
  ];
  for (const [when, queries] of KILLED) {
    it(`are gone on with where the relay was killed when ${when}`, async () => {
      const copy = await copies.describe('task-1', 'shop');
      await administrator(...queries(copy));
      assert.deepEqual(await copies.list(), []);
      await copies.provide('task-1', 'shop');
      await asks(urlOf(copy), 'ALTER TABLE trips ADD COLUMN length integer');
      assert.deepEqual(await copies.list(), ['task-1']);
      await assert.rejects(asks(urlOf({ ...copy, database: 'shop-template' }), 'SELECT 1'), {
        code: '42501',
      });
    });

    it(`are removed where the relay was killed when ${when}`, async () => {
      await administrator(...queries(await copies.describe('task-1', 'shop')));
      await copies.remove('task-1');
      assert.deepEqual(await left(), []);
    });
  }

  it('are opened by the password of the relay that goes on with the task, whose key may be another', async () => {
    const first = await provided('task-1');
    await asks(urlOf(first), "INSERT INTO trips (name) VALUES ('Rome')");
    const databases = { shop: at('shop-template') };
    const other = createPostgresCopies({ databases, key: async () => ({ bytes: randomBytes(32) }) });
    const { copy, isNew } = await other.provide('task-1', 'shop');
    assert.deepEqual([isNew, (await names(urlOf(copy))).length], [false, 3]);
    await assert.rejects(names(urlOf(first)), { code: '28P01' });
  });

  it('are removed under whoever is connected to them, and removed again', async () => {
    const copy = await provided('task-1');
    const client = new pg.Client({ connectionString: urlOf(copy) });
    client.on('error', () => {});
    const ended = new Promise((resolve) => client.once('end', resolve));
    await client.connect();
    await copies.remove('task-1');
    await ended;
    await copies.remove('task-1');
    await assert.rejects(asks(urlOf(copy), 'SELECT 1'), { code: '28P01' });
  });

  it('are refused while their template is in use, with what to do', async () => {
    const client = new pg.Client({ connectionString: at('shop-template') });
    await client.connect();
    try {
      await assert.rejects(copies.provide('task-1', 'shop'), {
        code: 'not_ready',
        message: 'The database template shop is in use, so it cannot be copied.',
        nextAction: /Close what is connected/,
      });
    } finally {
      await client.end();
    }
    await copies.provide('task-1', 'shop');
  });

  it('are refused by a server that lets every account into other databases, with the command that mends it', async () => {
    await administrator('CREATE DATABASE "open-to-all"');
    try {
      await assert.rejects(copies.provide('task-1', 'shop'), {
        code: 'conflict',
        nextAction: /REVOKE CONNECT ON DATABASE "open-to-all" FROM PUBLIC;/,
      });
    } finally {
      await administrator('DROP DATABASE "open-to-all"');
    }
  });

  it('are made by an administrator who is no superuser, but owns the template', async () => {
    await administrator(
      "CREATE ROLE keeper LOGIN CREATEDB CREATEROLE PASSWORD 'keeper-password'",
      'GRANT CONNECT ON DATABASE postgres TO keeper',
      'CREATE DATABASE kept OWNER keeper',
    );
    const keeper = (database: string) => at(database).replace(/\/\/[^@]*@/, '//keeper:keeper-password@');
    await asks(keeper('kept'), TEMPLATE);
    const theirs = createPostgresCopies({ databases: { kept: keeper('kept') }, key: async () => key });
    try {
      const { copy } = await theirs.provide('task-1', 'kept');
      await asks(urlOf(copy), 'ALTER TABLE trips ADD COLUMN length integer', 'CREATE TABLE more ()');
      await theirs.remove('task-1');
      assert.deepEqual(await left(), []);
    } finally {
      await administrator(
        'DROP DATABASE kept WITH (FORCE)',
        'REVOKE CONNECT ON DATABASE postgres FROM keeper',
        'DROP ROLE keeper',
      );
    }
  });

  it('say what is wrong without the password, where the server does not answer or lets nobody in', async () => {
    for (const url of [
      'postgresql://admin:hidden-password@127.0.0.1:1/x',
      at('x').replace(/\/\/[^@]*@/, '//admin:hidden-password@'),
    ]) {
      const broken = createPostgresCopies({ databases: { shop: url }, key: async () => key });
      await assert.rejects(broken.provide('task-1', 'shop'), (error: Error & { code: string }) => {
        assert.equal(error.code, 'not_ready');
        assert.ok(
          !`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`.includes('hidden-password'),
        );
        return true;
      });
    }
  });

  it('are of templates that the owner offers, and of no others', async () => {
    for (const template of ['nope', '__proto__', 'constructor', 'handoff']) {
      await assert.rejects(copies.provide('task-1', template), { code: 'not_found' });
    }
  });
});
