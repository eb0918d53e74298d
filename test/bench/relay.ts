import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createRelayClient, type RelayClient } from '../../server/protocol/client.ts';
import { DATA_FILES } from '../../server/protocol/locations.ts';
import { createLocalProvider } from '../../server/sandbox/local/provider.ts';
import { program } from '../../server/sandbox/providers.ts';
import type { Scenario } from '../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../fakes/model/server.ts';
import type { Repository } from './bench.ts';

/** The relay as it is shipped. */
const BUNDLE = fileURLToPath(new URL('../../dist/relay.mjs', import.meta.url));

/** A relay process of its own. */
export interface BenchRelay {
  url: string;
  pid: number;
  /** From its start to its ready line, ms. */
  startedInMs: number;
  client: RelayClient;
  data: string;
  work: string;
  /** The first URL that it printed on stderr: that of the inspector, where it was asked for. */
  inspector(): string | undefined;
  /** The last of what it printed. */
  log(): string;
  delegate(repository: Repository, prompt?: string): Promise<{ taskId: string; turnId: string }>;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** Ends it as an operator would. */
  close(): Promise<void>;
}

export interface RelayOptions {
  /** Where its data, its temporary files and, unless `work` is named, its sandboxes go. */
  directory: string;
  /** Base URL and key of the model. */
  model: { url: string; apiKey: string };
  work?: string;
  databaseUrl?: string;
  env?: Record<string, string>;
  nodeOptions?: string[];
}

const KEPT_LOG = 6000;

export async function startRelay(options: RelayOptions): Promise<BenchRelay> {
  const { directory, model } = options;
  const data = join(directory, 'data');
  const work = options.work ?? data;
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const outside = Object.entries(process.env).filter(([name]) => !/^(HANDOFF|DAYTONA)_/.test(name));
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...(options.nodeOptions ?? []), BUNDLE, 'relay'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(outside),
      TMPDIR: directory,
      HANDOFF_DATA: data,
      HANDOFF_WORK: work,
      HANDOFF_PORT: '0',
      HANDOFF_MODEL_BASE_URL: model.url,
      HANDOFF_MODEL_API_KEY: model.apiKey,
      HANDOFF_MODEL: 'fake-model',
      ...(options.databaseUrl === undefined ? {} : { HANDOFF_DATABASE_URL: options.databaseUrl }),
      ...options.env,
    },
  });
  const ended = once(child, 'exit');
  let log = '';
  let inspector: string | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-KEPT_LOG);
    inspector ??= /ws:\/\/\S+/.exec(log)?.[0];
  });
  const ready = new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).on('line', (line) => {
      log = `${log}${line}\n`.slice(-KEPT_LOG);
      const url = /^relay ready (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    }),
  );
  const url = await Promise.race([ready, ended.then(() => undefined)]);
  const { pid } = child;
  if (url === undefined || pid === undefined) throw new Error(`the relay did not start:\n${log}`);
  const startedInMs = performance.now() - startedAt;
  const token = (await readFile(join(data, DATA_FILES.token), 'utf8')).trim();
  const client = createRelayClient({ url, token });
  // Its answer says that it has done all that it does after its ready line: listen for signals.
  await client.health();
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    url,
    pid,
    startedInMs,
    client,
    data,
    work,
    inspector: () => inspector,
    log: () => log,
    delegate: (repository, prompt = 'Do it.') =>
      client.createTask({ clientId: randomUUID(), prompt, source: sourceOf(repository) }),
    kill: () => end('SIGKILL'),
    close: () => end('SIGTERM'),
  };
}

/** A model, and a relay that asks it: ended together, with all sandboxes, when the scope ends. */
export async function openRelay(
  scope: AsyncDisposableStack,
  directory: string,
  scenario: Scenario,
  options: Partial<RelayOptions> = {},
): Promise<{ relay: BenchRelay; model: FakeModel }> {
  const model = await startFakeModel({ scenario });
  scope.defer(() => model.close());
  const relay = await startRelay({ directory, model, ...options });
  scope.defer(async () => {
    await relay.close();
    await destroySandboxes(relay.work);
  });
  return { relay, model };
}

export const sourceOf = ({ directory, commit }: Repository) => ({
  url: `file://${directory}`,
  commit,
  branch: 'main',
});

/** Removes the sandboxes below a work folder: they outlive their relays on purpose. */
export async function destroySandboxes(work: string): Promise<void> {
  const provider = createLocalProvider({ dataDir: work, supervisorPath: program('supervisor.mjs') });
  for (const id of await sandboxIds(work)) await provider.destroy({ provider: 'local', id });
  await provider.close();
}

/** Puts the sandboxes below a work folder to sleep, as a relay does with those that idle. */
export async function hibernateSandboxes(work: string): Promise<void> {
  const provider = createLocalProvider({ dataDir: work, supervisorPath: program('supervisor.mjs') });
  for (const id of await sandboxIds(work)) await provider.hibernate({ provider: 'local', id });
  await provider.close();
}

async function sandboxIds(work: string): Promise<string[]> {
  const names = await readdir(join(work, 'sandboxes')).catch(() => []);
  return names.filter((name) => name.startsWith('t-'));
}
