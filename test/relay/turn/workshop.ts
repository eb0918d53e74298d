import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRelayClient, type RelayClient } from '../../../server/protocol/client.ts';
import type { SourceSpec } from '../../../server/protocol/source.ts';
import { startRelay } from '../../e2e/relay.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { createSampleRepo } from '../../fakes/sample.ts';
import { freePort } from './free-port.ts';
import { readToken } from './token.ts';
import { follow, type Watch } from './watch.ts';

/** A real relay with a scripted model and a repository, that can be killed and started again on the same data. */
export interface Workshop {
  model: FakeModel;
  client: RelayClient;
  token: string;
  url: string;
  repo: string;
  commit: string;
  data: string;
  /** Everything the relays of this workshop printed. */
  log(): string;
  /**
   * @param remote where accepted work would be pushed to
   * @param source what else is to be said of the source
   */
  delegate(prompt: string, remote?: string, source?: Partial<SourceSpec>): Promise<string>;
  /** Follows a task from `after` on, through restarts of the relay. */
  watch(taskId: string, after?: number): Watch;
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  start(): Promise<void>;
  /** The workspace of the only sandbox, as the host sees it. */
  workspace(): Promise<string>;
  /** Lets a command go on that waits for the file `gate`. */
  openGate(): Promise<void>;
  close(): Promise<void>;
}

/** How long (ms) at most until a stream is tried again: pauses that grow would have tests wait long after the next relay serves. */
const STREAM_AGAIN_MS = 250;

/** @param env more settings of the relay; `modelKey` is what the model asks for */
export async function openWorkshop(
  scenario: Scenario,
  env: Record<string, string> = {},
  modelKey = 'sk-fake',
): Promise<Workshop> {
  const directory = await mkdtemp(join(tmpdir(), 'handoff-turn-'));
  // The database of a relay that root runs belongs to another user, who has to pass through.
  await chmod(directory, 0o711);
  const repo = join(directory, 'repo');
  const data = join(directory, 'data');
  const commit = await createSampleRepo(repo);
  const model = await startFakeModel({ scenario, apiKey: modelKey });
  const settings = {
    HANDOFF_DATA: data,
    HANDOFF_PORT: String(await freePort()),
    HANDOFF_MODEL_BASE_URL: model.url,
    HANDOFF_MODEL_API_KEY: model.apiKey,
    HANDOFF_MODEL: 'fake-model',
    ...env,
  };
  let relay = await startRelay(settings);
  let printed = '';
  let isUp = true;
  const token = await readToken(data);
  const client = createRelayClient({ url: relay.url, token, maxBackoffMs: STREAM_AGAIN_MS });
  const watches: Watch[] = [];
  const taskIds: string[] = [];

  const workshop: Workshop = {
    model,
    client,
    token,
    url: relay.url,
    repo,
    commit,
    data,
    log: () => printed + relay.log(),
    async delegate(prompt, remote, more = {}) {
      const place = { url: `file://${repo}`, commit, branch: 'main', ...(remote ? { remote } : {}) };
      const source = { ...place, ...more };
      const { taskId } = await client.createTask({ clientId: randomUUID(), prompt, source });
      taskIds.push(taskId);
      return taskId;
    },
    watch(taskId, after = 0) {
      const watch = follow(client, taskId, after);
      watches.push(watch);
      return watch;
    },
    async kill(signal = 'SIGKILL') {
      process.kill(relay.pid, signal);
      await relay.close();
      isUp = false;
    },
    async start() {
      printed += relay.log();
      relay = await startRelay(settings);
      isUp = true;
    },
    async workspace() {
      const sandboxes = join(data, 'sandboxes');
      const [only] = (await readdir(sandboxes)).filter((name) => name.startsWith('t-'));
      return join(sandboxes, only ?? '', 'workspace');
    },
    openGate: async () => writeFile(join(await workshop.workspace(), 'gate'), ''),
    async close() {
      await Promise.all(watches.map((watch) => watch.close()));
      if (!isUp) await workshop.start();
      for (const taskId of taskIds) await archive(client, taskId);
      await relay.close();
      await model.close();
      // Postgres ends a moment after its relay, and writes until then.
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
    },
  };
  return workshop;
}

/** Stops what runs, then takes the sandbox away: it would outlive the test. */
async function archive(client: RelayClient, taskId: string): Promise<void> {
  if ((await client.getTask(taskId)).status === 'archived') return;
  const { stopped } = await client.stop(taskId);
  if (stopped) {
    const watch = follow(client, taskId, 0);
    const { turns } = await client.getTask(taskId);
    const running = turns.at(-1)?.turnId;
    await watch.until('turn.ended', (event) => event.turnId === running);
    await watch.close();
  }
  await client.archive(taskId);
}
