import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';
import { acquireAdvisoryLock } from '../engine/advisory-lock.ts';
import { AppError } from '../errors.ts';
import { OWN_ALL } from './postgres-ownership.ts';

/** A task's own copy of a database, and the account that opens it and nothing else. Secret: `password`. */
export interface PostgresCopy {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
}

/**
 * Databases of tasks on the servers that the relay's owner named. What a task has there is found by its name, which is made of the
 * task's id, and so is the password; nothing has to be remembered, and everything may be repeated after a kill at any point.
 */
export interface PostgresCopies {
  /** The names of the templates. */
  readonly templates: readonly string[];
  /** The account and the address of the copy, whether it was made yet or not. */
  describe(taskId: string, template: string): Promise<PostgresCopy>;
  /**
   * Makes the copy where it is not there, and sees to it that the account opens it with this relay's password.
   * @returns whether it had to be made
   * @throws {AppError} `not_ready` where the server does not answer or the template is in use, `conflict` where the server would let the
   * task's account into other databases
   */
  provide(taskId: string, template: string): Promise<{ copy: PostgresCopy; isNew: boolean }>;
  /** Removes what the task has on any of the servers, whoever is connected to it. */
  remove(taskId: string): Promise<void>;
  /** The tasks that have anything there, whoever made it: another relay, with tasks of its own, may use the same server. */
  list(): Promise<string[]>;
}

/** Begins the names of copies and of the accounts that open them. */
const PREFIX = 'handoff_';
/** The comment on every account, and on a copy that is whole; behind it, the task's id. */
const COMMENT = 'Handoff: the copy of task ';
const CONNECT_TIMEOUT_MS = 10_000;
/** A copy of a large template takes its time; so does waiting for whoever copies the same task's. */
const QUERY_TIMEOUT_MS = 10 * 60_000;
/** Connections that one task may hold: the server has to be enough for all. */
const MOST_CONNECTIONS = 20;

/** As Postgres's own default: the password is 32 random bytes, which nobody guesses. */
const SCRAM_ITERATIONS = 4096;

/** The number of an advisory lock, of its name. The session's end gives it back. */
const LOCK = 'hashtextextended($1, 7420)';

const OBJECT_IN_USE = '55006';
const DUPLICATE_OBJECT = '42710';

interface Deps {
  /** The relay's settings: administrators' URLs whose path is the template, by name. */
  databases: Record<string, string>;
  /** Of which passwords are made. */
  key: () => Promise<{ bytes: Buffer }>;
}

export function createPostgresCopies({ databases, key }: Deps): PostgresCopies {
  const nameOf = (taskId: string): string =>
    PREFIX + createHash('sha256').update(taskId).digest('hex').slice(0, 32);

  async function describe(taskId: string, template: string): Promise<PostgresCopy> {
    const url = new URL(urlOf(template));
    const name = nameOf(taskId);
    const mac = createHmac('sha256', (await key()).bytes).update(`handoff database\0${taskId}\0${template}`);
    return {
      host: decodeURIComponent(url.hostname.replace(/^\[|\]$/g, '')),
      port: Number(url.port || 5432),
      database: name,
      user: name,
      password: mac.digest('base64url'),
    };
  }

  function urlOf(template: string): string {
    const url = Object.hasOwn(databases, template) ? databases[template] : undefined;
    if (url !== undefined) return url;
    throw new AppError('not_found', `The relay offers no database ${template}.`, {
      nextAction: 'Ask the relay’s owner for it (HANDOFF_DATABASES).',
    });
  }

  return {
    templates: Object.keys(databases),
    describe,

    async provide(taskId, template) {
      const copy = await describe(taskId, template);
      const url = urlOf(template);
      const source = decodeURIComponent(new URL(url).pathname.slice(1));
      const isNew = await asAdministrator(url, async (admin) => {
        await acquireAdvisoryLock(admin, LOCK, [copy.database]);
        // Also for a copy that is there: a relay with another key may have made it.
        await makeAccount(admin, copy, taskId);
        if ((await commentOn(admin, copy.database)) === COMMENT + taskId) return false;
        await shutTemplate(admin, copy.user, source);
        await assertShutOut(admin, copy);
        await makeDatabase(admin, copy, source, template);
        // Nobody gets in before the door is shut to all but the task.
        await admin.query(`REVOKE ALL ON DATABASE ${quote(copy.database)} FROM PUBLIC`);
        await admin.query(
          `GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${quote(copy.database)} TO ${quote(copy.user)}`,
        );
        await admin.query(`ALTER DATABASE ${quote(copy.database)} ALLOW_CONNECTIONS true`);
        await asAdministrator(url, (inside) => inside.query(OWN_ALL(quote(copy.user))), copy.database);
        await admin.query(
          `COMMENT ON DATABASE ${quote(copy.database)} IS ${pg.escapeLiteral(COMMENT + taskId)}`,
        );
        return true;
      });
      return { copy, isNew };
    },

    async remove(taskId) {
      const database = nameOf(taskId);
      const name = quote(database);
      for (const url of servers(databases)) {
        await asAdministrator(url, async (admin) => {
          // Whoever makes it at this moment has it whole first.
          await acquireAdvisoryLock(admin, LOCK, [database]);
          await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
          await admin.query(`DROP ROLE IF EXISTS ${name}`);
        });
      }
    },

    async list() {
      const found = new Set<string>();
      for (const url of servers(databases)) {
        await asAdministrator(url, async (admin) => {
          // It is made before the copy, and removed after it.
          const { rows } = await admin.query<{ comment: string | null }>(
            "SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE starts_with(rolname, $1)",
            [PREFIX],
          );
          for (const { comment } of rows) {
            if (comment?.startsWith(COMMENT)) found.add(comment.slice(COMMENT.length));
          }
        });
      }
      return [...found];
    },
  };
}

/** One URL a server, whatever templates it has. */
function servers(databases: Record<string, string>): string[] {
  const byHost = Object.values(databases).map((url) => [new URL(url).host, url] as const);
  return [...new Map(byHost).values()];
}

/** Runs `work` on the server: in `database`, by default the one for maintenance, so that nobody is connected to a template. */
async function asAdministrator<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
  database = 'postgres',
): Promise<T> {
  const at = new URL(url);
  at.pathname = `/${encodeURIComponent(database)}`;
  const client = new pg.Client({
    connectionString: at.href,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    application_name: 'handoff',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw error instanceof AppError ? error : explained(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The driver's errors carry the connection's settings, password included: only the server's words go on. */
function explained(error: unknown): AppError {
  if (error instanceof pg.DatabaseError) {
    return new AppError('not_ready', `The database server refused to copy a template: ${error.message}.`, {
      nextAction:
        'Ask the relay’s owner: the account in HANDOFF_DATABASES must be allowed to create databases and roles, and own what is in the template or be superuser.',
    });
  }
  return new AppError('not_ready', 'The server that has the databases of tasks does not answer.', {
    nextAction: 'Try again; if it goes on, ask the relay’s owner to look at HANDOFF_DATABASES.',
  });
}

async function commentOn(admin: pg.Client, database: string): Promise<string | null | undefined> {
  const { rows } = await admin.query<{ comment: string | null }>(
    "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1",
    [database],
  );
  return rows[0]?.comment;
}

async function makeAccount(
  admin: pg.Client,
  { user, password }: PostgresCopy,
  taskId: string,
): Promise<void> {
  const verifier = pg.escapeLiteral(scramVerifier(password));
  const as = `${quote(user)} LOGIN NOINHERIT CONNECTION LIMIT ${MOST_CONNECTIONS} PASSWORD ${verifier}`;
  // What the task shall own is given to it by a member only, where the administrator is no superuser.
  const more = `COMMENT ON ROLE ${quote(user)} IS ${pg.escapeLiteral(COMMENT + taskId)}; GRANT ${quote(user)} TO CURRENT_USER`;
  // Of several commands in one query all happen, or none: no account is without its comment.
  await admin.query(`CREATE ROLE ${as}; ${more}`).catch(async (error: unknown) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== DUPLICATE_OBJECT) throw error;
    await admin.query(`ALTER ROLE ${as}; ${more}`);
  });
}

/** What Postgres keeps of a password (RFC 5803): a server that logs statements does not log the password. */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const keyed = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const storedKey = createHash('sha256').update(keyed(salted, 'Client Key')).digest('base64');
  const serverKey = keyed(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** A template is for copying. Once, and one at a time: Postgres fails two who change the same database's rights. */
async function shutTemplate(admin: pg.Client, user: string, source: string): Promise<void> {
  const lock = [`shut ${source}`];
  await acquireAdvisoryLock(admin, LOCK, lock);
  const { rows } = await admin.query<{ isOpen: boolean }>(
    `SELECT has_database_privilege($1, oid, 'CONNECT') OR has_database_privilege($1, oid, 'TEMPORARY') AS "isOpen"
     FROM pg_database WHERE datname = $2`,
    [user, source],
  );
  if (rows[0]?.isOpen)
    await admin.query(`REVOKE CONNECT, TEMPORARY ON DATABASE ${quote(source)} FROM PUBLIC`);
  await admin.query(`SELECT pg_advisory_unlock(${LOCK})`, lock);
}

/** By default Postgres lets every account into every database. */
async function assertShutOut(admin: pg.Client, { user, database }: PostgresCopy): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database
     WHERE datallowconn AND datname <> $2 AND has_database_privilege($1, datname, 'CONNECT') ORDER BY 1`,
    [user, database],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => quote(name)).join(', ');
  throw new AppError(
    'conflict',
    'The database server lets every account into its other databases, so a task would not be kept to its own copy.',
    {
      nextAction: `Run on that server: REVOKE CONNECT ON DATABASE ${names} FROM PUBLIC; and before it, GRANT it to the accounts that need it.`,
    },
  );
}

async function makeDatabase(
  admin: pg.Client,
  { database }: PostgresCopy,
  source: string,
  template: string,
): Promise<void> {
  if ((await commentOn(admin, database)) !== undefined) return;
  try {
    await admin.query(`CREATE DATABASE ${quote(database)} TEMPLATE ${quote(source)} ALLOW_CONNECTIONS false`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== OBJECT_IN_USE) throw error;
    throw new AppError('not_ready', `The database template ${template} is in use, so it cannot be copied.`, {
      nextAction:
        'Close what is connected to it, then try again. To keep everybody out: ALTER DATABASE … ALLOW_CONNECTIONS false.',
    });
  }
}

const quote = (name: string): string => pg.escapeIdentifier(name);
