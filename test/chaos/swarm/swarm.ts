import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../../server/engine/postgres.ts';
import { sandboxIdOf } from '../../../server/sandbox/local/layout.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { createSampleRepo } from '../../fakes/sample.ts';
import { freePort } from '../../relay/turn/free-port.ts';
import { makeFolder, makeTmp, removeFolder } from '../support/folder.ts';
import { createPerson, type Person } from '../support/person.ts';
import { createMember, type Member } from './member.ts';
import { LEDGER, scenario } from './scenario.ts';

/** Three relays on one Postgres and one machine, and the people who share them. */
export interface Swarm {
  members: Member[];
  model: FakeModel;
  /** One of the people, who asks the relay of that number. */
  person(name: string, member: number): Person;
  delegate(person: Person): Promise<string>;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** By which a relay knows that person. */
  token(name: string): string;
  /** Kills Postgres; it is started again at once. */
  killDatabase(): Promise<void>;
  /** What the commands of a task did, a line each. */
  ledger(taskId: string): Promise<string[]>;
  close(): Promise<void>;
}

const MEMBERS = 3;

/** @param limits of turns that run at once: for all, and for each of `people` */
export async function openSwarm(
  people: readonly string[],
  limits: { turns: number; turnsPerOwner: number },
): Promise<Swarm> {
  const folder = await makeFolder();
  const repo = join(folder, 'repo');
  const work = join(folder, 'work');
  const commit = await createSampleRepo(repo);
  const model = await startFakeModel({ scenario });
  const tokens = Object.fromEntries(people.map((name) => [name, randomUUID()]));
  const silent = { warn: () => {}, error: () => {} };
  const postgres = await startEmbeddedPostgres(folder, {}, silent);
  const pool = new pg.Pool({ connectionString: postgres.url, max: 2 });
  pool.on('error', () => {});
  // One that is being closed while Postgres ends says so, too.
  pool.on('connect', (client) => void client.on('error', () => {}));
  const shared = {
    HANDOFF_WORK: work,
    HANDOFF_DATABASE_URL: postgres.url,
    HANDOFF_USERS: JSON.stringify(tokens),
    HANDOFF_FILE_SOURCES: 'all',
    HANDOFF_MAX_TURNS: String(limits.turns),
    HANDOFF_MAX_TURNS_PER_USER: String(limits.turnsPerOwner),
    HANDOFF_MODEL_BASE_URL: model.url,
    HANDOFF_MODEL_API_KEY: model.apiKey,
    HANDOFF_MODEL: 'fake-model',
    TMPDIR: await makeTmp(folder),
  };
  const members = await Promise.all(
    Array.from({ length: MEMBERS }, async (_, index) => {
      const port = await freePort();
      const data = join(folder, `relay-${index}`);
      return createMember(`http://127.0.0.1:${port}`, data, { ...shared, HANDOFF_PORT: String(port) });
    }),
  );

  const swarm: Swarm = {
    members,
    model,
    person: (name, member) => createPerson(members[member]?.url ?? '', tokens[name] ?? ''),
    async delegate({ client, insist }) {
      const source = { url: `file://${repo}`, commit, branch: 'main' };
      const clientId = randomUUID();
      const { taskId } = await insist(() => client.createTask({ clientId, prompt: 'Go', source }));
      return taskId;
    },
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    token: (name) => tokens[name] ?? '',
    async killDatabase() {
      const [pid] = (await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
      process.kill(Number(pid), 'SIGKILL');
    },
    async ledger(taskId) {
      const file = join(work, 'sandboxes', sandboxIdOf(taskId), 'workspace', LEDGER);
      return (await readFile(file, 'utf8')).trim().split('\n');
    },
    async close() {
      await Promise.all(members.map((member) => member.close()));
      await pool.end();
      postgres.stop();
      await model.close();
      await removeFolder(folder);
    },
  };
  try {
    await Promise.all(members.map((member) => member.start()));
    await watchLimits(swarm);
  } catch (error) {
    await swarm.close();
    throw error;
  }
  return swarm;
}

/** Has the database itself note how many turns run, of whom, at each change of that: nothing that is sampled may be missed. */
async function watchLimits({ query }: Pick<Swarm, 'query'>): Promise<void> {
  await query('CREATE TABLE handoff.chaos_running (owner text NOT NULL, turns integer NOT NULL)');
  await query(`
    CREATE FUNCTION handoff.chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO handoff.chaos_running
      SELECT coalesce(t.owner, '*'), count(*) FROM handoff.turns u JOIN handoff.tasks t USING (task_id)
      WHERE u.state = 'running' GROUP BY ROLLUP (t.owner);
      RETURN NULL;
    END $$`);
  await query(`CREATE TRIGGER chaos_note AFTER UPDATE ON handoff.turns
               FOR EACH STATEMENT EXECUTE FUNCTION handoff.chaos_note()`);
}

/** The most turns that ran at once: of each owner, and `*` of all. */
export async function mostRunning({ query }: Pick<Swarm, 'query'>): Promise<Record<string, number>> {
  const rows = await query<{ owner: string; turns: number }>(
    'SELECT owner, max(turns) AS turns FROM handoff.chaos_running GROUP BY owner',
  );
  return Object.fromEntries(rows.map(({ owner, turns }) => [owner, turns]));
}
