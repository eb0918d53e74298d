import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../server/engine/postgres.ts';
import { createRelayClient, type RelayClient } from '../../../server/protocol/client.ts';
import { startRelay } from '../../e2e/relay.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { createSampleRepo } from '../../fakes/sample.ts';
import { freePort } from '../turn/free-port.ts';
import { follow, type Watch } from '../turn/watch.ts';

/** One relay of several on the same database and the same machine. */
export interface FleetRelay {
  client: RelayClient;
  id(): Promise<string>;
  pid(): number;
  log(): string;
  /** @returns when it was killed, in milliseconds since 1970 */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<number>;
  /** @param env replaces settings from now on */
  start(env?: Record<string, string>): Promise<void>;
}

export interface Fleet {
  model: FakeModel;
  relays: FleetRelay[];
  postgres: EmbeddedPostgres;
  /** Where the workspaces of all sandboxes are, as the host sees them. */
  workspaces(): Promise<string[]>;
  delegate(relay: FleetRelay, prompt: string): Promise<string>;
  watch(relay: FleetRelay, taskId: string, after?: number): Watch;
  /** Which relay runs the turn, if one does. */
  runnerOf(turnId: string): Promise<FleetRelay | undefined>;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/**
 * @param count how many relays
 * @param env more settings of all of them; by `envOf`, of each
 */
export async function openFleet(
  scenario: Scenario,
  count: number,
  env: Record<string, string> = {},
  envOf: (index: number, directory: string) => Record<string, string> = () => ({}),
): Promise<Fleet> {
  const directory = await mkdtemp(join(tmpdir(), 'handoff-fleet-'));
  await chmod(directory, 0o711);
  const repo = join(directory, 'repo');
  const commit = await createSampleRepo(repo);
  const model = await startFakeModel({ scenario });
  const silent = { warn: () => {}, error: () => {} };
  const postgres = await startEmbeddedPostgres(directory, {}, silent);
  const database = new pg.Pool({ connectionString: postgres.url, max: 2 });
  database.on('error', () => {});
  const work = join(directory, 'work');

  const relays = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const data = join(directory, `relay-${index}`);
      return startFleetRelay(data, {
        HANDOFF_DATA: data,
        HANDOFF_WORK: work,
        HANDOFF_TOKEN: 'the-token-of-this-fleet',
        HANDOFF_PORT: String(await freePort()),
        HANDOFF_DATABASE_URL: postgres.url,
        HANDOFF_MODEL_BASE_URL: model.url,
        HANDOFF_MODEL_API_KEY: model.apiKey,
        HANDOFF_MODEL: 'fake-model',
        ...env,
        ...envOf(index, directory),
      });
    }),
  );
  const watches: Watch[] = [];
  const taskIds: string[] = [];

  const fleet: Fleet = {
    model,
    relays,
    postgres,
    async workspaces() {
      const names = await readdir(join(work, 'sandboxes')).catch(() => []);
      return names
        .filter((name) => name.startsWith('t-'))
        .map((name) => join(work, 'sandboxes', name, 'workspace'));
    },
    async delegate({ client }, prompt) {
      const source = { url: `file://${repo}`, commit, branch: 'main' };
      const { taskId } = await client.createTask({ clientId: randomUUID(), prompt, source });
      taskIds.push(taskId);
      return taskId;
    },
    watch({ client }, taskId, after = 0) {
      const watch = follow(client, taskId, after);
      watches.push(watch);
      return watch;
    },
    async runnerOf(turnId) {
      const [row] = await fleet.query<{ relay: string | null }>(
        'SELECT relay FROM handoff.turns WHERE turn_id = $1',
        [turnId],
      );
      const ids = await Promise.all(relays.map((relay) => relay.id()));
      return relays[ids.indexOf(row?.relay ?? '')];
    },
    async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
      return (await database.query<Row>(text, values)).rows;
    },
    async close() {
      await Promise.all(watches.map((watch) => watch.close()));
      const [first, ...others] = relays;
      await Promise.all(others.map((relay) => relay.kill('SIGTERM')));
      await first?.start();
      for (const taskId of taskIds) await archive(first, taskId);
      await first?.kill('SIGTERM');
      await database.end();
      postgres.stop();
      await model.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
    },
  };
  return fleet;
}

async function startFleetRelay(data: string, settings: Record<string, string>): Promise<FleetRelay> {
  let env = settings;
  let process_ = await startRelay(env);
  let isUp = true;
  let printed = '';
  return {
    client: createRelayClient({ url: process_.url, token: env['HANDOFF_TOKEN'] ?? '' }),
    id: async () => (await readFile(join(data, 'relay-id'), 'utf8')).trim(),
    pid: () => process_.pid,
    log: () => printed + process_.log(),
    async kill(signal = 'SIGKILL') {
      const at = Date.now();
      if (!isUp) return at;
      process.kill(process_.pid, signal);
      await process_.close();
      isUp = false;
      return at;
    },
    async start(changed = {}) {
      if (isUp) return;
      printed += process_.log();
      env = { ...env, ...changed };
      process_ = await startRelay(env);
      isUp = true;
    },
  };
}

/** Stops what runs, then takes the sandbox away: it would outlive the test. */
async function archive(relay: FleetRelay | undefined, taskId: string): Promise<void> {
  if (!relay) return;
  const { client } = relay;
  const { stopped, turnId } = await client.stop(taskId);
  if (stopped) {
    const watch = follow(client, taskId, 0);
    await watch.until('turn.ended', (event) => event.turnId === turnId);
    await watch.close();
  }
  await client.archive(taskId);
}
