import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { chmod, link, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import type { Limits } from './engine/claims.ts';
import type { KillPointSettings } from './engine/kill-points.ts';
import { AppError } from './errors.ts';
import { isWildcard, urlHost } from './http/address.ts';
import type { OwnersServers } from './mcp/servers.ts';
import type { ModelChoice, ModelRole } from './models/choice.ts';
import { chooseModels } from './models/choose.ts';
import type { Ready } from './protocol/health.ts';
import { DATA_FILES, dataDir } from './protocol/locations.ts';
import type { NetworkPolicy, SandboxResources } from './sandbox/sandbox.ts';
import { Settings } from './settings.ts';
import { tracingChoice } from './tracing/settings.ts';
import type { TracingChoice } from './tracing/traces.ts';

type Env = Record<string, string | undefined>;

const DEFAULT_PORT = 7420;

/** Which sandboxes this relay makes, and the most that each may have. */
export interface SandboxChoice {
  provider: 'local' | 'daytona' | 'container';
  network: NetworkPolicy;
  image: string | undefined;
  resources: SandboxResources;
  /** How long (ms) a machine may run without a rest. */
  lifetimeMs: number;
  /** How many are kept, filled and set up, for tasks to come. */
  warm: number;
  /** Folders that local sandboxes may read, besides the system's. */
  toolchains: string[];
  daytona: {
    apiKey: string | undefined;
    apiUrl: string | undefined;
    target: string | undefined;
    snapshot: string | undefined;
  };
  /** Absent: whichever there is. */
  containerCli: string | undefined;
}

export interface Config {
  dataDir: string;
  host: string;
  /** The port to try first; `portIsChosen` says that no other will do. */
  port: number;
  portIsChosen: boolean;
  /** Absent: the embedded Postgres. */
  databaseUrl: string | undefined;
  githubUrl: string;
  githubApiUrl: string;
  /** What GitHub signs webhooks with. Absent: nobody is listened to. */
  githubWebhookSecret: string | undefined;
  /** Host names by which this relay may be addressed, besides loopback's. */
  allowedHosts: string[];
  /** Whether only this machine can reach the relay. */
  isLoopback: boolean;
  sandbox: SandboxChoice;
  logLevel: string;
  /**
   * Where repositories and sandboxes are: the data folder unless chosen. Relays on one machine that share a database may share
   * it, and then each can go on with the tasks of the other.
   */
  workDir: string;
  /** People besides the owner, and their tokens. */
  users: Record<string, string>;
  /** Who may have the relay read a repository of its own machine in place: by `file://`, and only on loopback. */
  fileSources: 'owner' | 'all';
  /** How many turns may run at once, in all relays on the database. */
  limits: Limits;
  /** How long (ms) steps in flight may take to end when the relay is asked to. */
  graceMs: number;
  /** After how long (ms) without work a sandbox hibernates. */
  idleMs: number;
  /** How long (ms) what nobody needs any more is kept. */
  retentionMs: number;
  /** Gets a word of every turn's end. Absent: nobody does. */
  notifyUrl: string | undefined;
  /** Which collector is told what agents did. Secret: headers carry credentials. */
  tracing: TracingChoice;
  /** Where this relay dies, for tests. Absent: nowhere. */
  killPoints: KillPointSettings | undefined;
  /** Where previews are reached from elsewhere, with `{id}` in the host name. Absent: on this machine only. */
  previewUrl: string | undefined;
  /** Databases of which tasks may get copies, by name. Secret: the URLs carry passwords. */
  databases: Record<string, string>;
  /** MCP servers of the owner's. Secret: addresses and headers carry credentials. */
  mcp: OwnersServers;
  env: Env;
}

/** Reads and checks the settings. The only reader of the environment and of `config.json`. */
export async function loadConfig(env: Env): Promise<Config> {
  const data = await ownFolder(dataDir({ env, platform: process.platform, homedir: homedir() }));
  const settings = readSettings(data, env);
  return {
    dataDir: data,
    host: settings.HANDOFF_HOST,
    port: settings.HANDOFF_PORT ?? DEFAULT_PORT,
    portIsChosen: settings.HANDOFF_PORT !== undefined,
    databaseUrl: settings.HANDOFF_DATABASE_URL,
    githubUrl: settings.HANDOFF_GITHUB_URL,
    githubApiUrl: settings.HANDOFF_GITHUB_API_URL,
    githubWebhookSecret: settings.HANDOFF_GITHUB_WEBHOOK_SECRET,
    allowedHosts: allowedHosts(settings.HANDOFF_HOST, settings.HANDOFF_ALLOWED_HOSTS),
    isLoopback: ['127.0.0.1', '::1', 'localhost'].includes(settings.HANDOFF_HOST),
    sandbox: sandboxChoice(settings),
    previewUrl: settings.HANDOFF_PREVIEW_URL,
    databases: settings.HANDOFF_DATABASES,
    mcp: settings.HANDOFF_MCP,
    logLevel: settings.HANDOFF_LOG,
    workDir: await ownFolder(settings.HANDOFF_WORK ?? data),
    users: settings.HANDOFF_USERS,
    fileSources: settings.HANDOFF_FILE_SOURCES,
    limits: { turns: settings.HANDOFF_MAX_TURNS, turnsPerOwner: settings.HANDOFF_MAX_TURNS_PER_USER },
    graceMs: settings.HANDOFF_GRACE_SECONDS * 1000,
    idleMs: settings.HANDOFF_IDLE_MINUTES * 60_000,
    retentionMs: settings.HANDOFF_RETENTION_DAYS * 24 * 3_600_000,
    notifyUrl: settings.HANDOFF_NOTIFY_URL,
    tracing: tracingChoice(settings),
    killPoints: settings.HANDOFF_KILL_POINTS,
    env,
  };
}

function sandboxChoice(settings: z.output<typeof Settings>): SandboxChoice {
  const { HANDOFF_SANDBOX_CPUS: cpus, HANDOFF_SANDBOX_MEMORY_MIB: memoryMiB } = settings;
  const { HANDOFF_SANDBOX_DISK_MIB: diskMiB } = settings;
  return {
    provider: settings.HANDOFF_SANDBOX,
    network: settings.HANDOFF_NETWORK,
    image: settings.HANDOFF_IMAGE,
    resources: {
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
      ...(diskMiB === undefined ? {} : { diskMiB }),
    },
    lifetimeMs: settings.HANDOFF_SANDBOX_HOURS * 3_600_000,
    warm: settings.HANDOFF_WARM,
    toolchains: settings.HANDOFF_TOOLCHAINS,
    daytona: {
      apiKey: settings.DAYTONA_API_KEY,
      apiUrl: settings.DAYTONA_API_URL,
      target: settings.DAYTONA_TARGET,
      snapshot: settings.HANDOFF_DAYTONA_SNAPSHOT,
    },
    containerCli: settings.HANDOFF_CONTAINER_CLI,
  };
}

/** Makes a folder that nobody else can read. One name for it, however it is written: locks and the database are found by it. */
async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const folder = await realpath(resolve(path));
  // Only execute, not read, for others: the users that run Postgres and sandboxes must get through, and nothing else.
  await chmod(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
  return folder;
}

/** As a request's Host header is compared with them: trimmed, in lower case. Where the relay listens, it may be addressed. */
function allowedHosts(host: string, named = ''): string[] {
  const own = isWildcard(host) ? '' : urlHost(host);
  const hosts = [own, ...named.split(',')].map((name) => name.trim().toLowerCase());
  return [...new Set(hosts)].filter((name) => name !== '');
}

function readSettings(data: string, env: Env): z.output<typeof Settings> {
  const file = join(data, DATA_FILES.config);
  const fromFile = readConfigFile(file);
  const fromEnv = Object.fromEntries(
    Object.keys(Settings.shape).flatMap((key) => (env[key] ? [[key, env[key]]] : [])),
  );
  const parsed = Settings.safeParse({ ...fromFile, ...fromEnv });
  if (parsed.success) return parsed.data;
  // The values are not repeated: one of them may be a secret.
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new AppError('bad_request', `The relay's settings are wrong: ${problems}.`, {
    nextAction: `Mend them in the environment or in ${file}.`,
  });
}

/** The settings in the file; none where there is no file. @throws {AppError} `bad_request` where it is not a JSON object */
export function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('bad_request', `${file} is not a JSON object.`, {
      cause,
      nextAction: 'Mend or remove the file.',
    });
  }
}

/** What was read of a relay's settings, and of which state of its file. */
const known = new WeakMap<Config, { stamp: string; settings: z.output<typeof Settings> }>();

/** The settings as they are now: asked at each model call, so the file is read only where it changed. @throws {AppError} `bad_request` */
export function currentSettings(config: Config): z.output<typeof Settings> {
  const stamp = stampOf(join(config.dataDir, DATA_FILES.config));
  const before = known.get(config);
  if (before?.stamp === stamp) return before.settings;
  const settings = readSettings(config.dataDir, config.env);
  known.set(config, { stamp, settings });
  return settings;
}

/** Different for each state of a file: one that is replaced is another file, and one that is written has another time or size. */
function stampOf(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

/** The models to use now, the best first: read at each call, so that a running relay follows the settings. Throws `model_not_configured`. */
export const modelChoices = (config: Config, role: ModelRole, chosen: string | undefined): ModelChoice[] =>
  chooseModels(currentSettings(config), config.env, role, chosen);

/** What `GET /v1/ready` says once the engine is up: whether a task would find a model. */
export function readiness(config: Config): Ready {
  try {
    const [best] = modelChoices(config, 'lead', undefined);
    const model = best === undefined ? {} : { model: best.ref };
    return { ready: true, modelConfigured: true, ...model, sandbox: config.sandbox.provider };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ready: true, modelConfigured: false, sandbox: config.sandbox.provider };
  }
}

/**
 * The bearer token: chosen by the owner, else made once and kept in the data folder, where clients read it. Only for the
 * relay that holds the folder: another's choice would lock out every client of this one.
 */
export async function loadToken({ dataDir: data, env }: Config): Promise<string> {
  const chosen = readSettings(data, env).HANDOFF_TOKEN;
  const file = join(data, DATA_FILES.token);
  const known = (await readFile(file, 'utf8').catch(() => '')).trim();
  const token = chosen ?? (known || randomBytes(32).toString('base64url'));
  if (token !== known) await writeFile(file, `${token}\n`, { mode: 0o600 });
  return token;
}

/** Names this relay among those that share a database. Kept, so that a restarted relay goes on with its own work. */
export const loadRelayId = ({ dataDir: data }: Config): Promise<string> => keptId(data, 'relay');

/** Names this machine, or more exactly its folder of repositories and sandboxes, among those that relays run on. */
export const loadHostId = ({ workDir }: Config): Promise<string> => keptId(workDir, 'host');

/** Of several that start at once, one decides. */
async function keptId(folder: string, kind: 'relay' | 'host'): Promise<string> {
  const file = join(folder, `${kind}-id`);
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (known !== undefined) return known.trim();
  const own = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(own, `${kind}-${randomBytes(8).toString('hex')}\n`, { mode: 0o600 });
  await link(own, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(own);
  return keptId(folder, kind);
}
