import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, link, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import type { ModelSettings } from './agent/model.ts';
import type { Limits } from './engine/claims.ts';
import type { KillPointSettings } from './engine/kill-points.ts';
import { AppError } from './errors.ts';
import { isWildcard, urlHost } from './http/address.ts';
import type { Ready } from './protocol/health.ts';
import { DATA_FILES, dataDir } from './protocol/locations.ts';

type Env = Record<string, string | undefined>;

const HttpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

const Count = z.coerce.number().int().min(1).max(100_000);
const UserName = z.string().regex(/^[\w.@-]{1,64}$/, 'must be 1 to 64 letters, digits, or . _ @ -');

function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** The settings, named as in the environment and in `config.json`; the environment wins. */
const Settings = z.object({
  HANDOFF_HOST: z.string().default('127.0.0.1'),
  HANDOFF_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  HANDOFF_TOKEN: z.string().min(16, 'needs at least 16 characters').optional(),
  HANDOFF_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .optional(),
  HANDOFF_MODEL_BASE_URL: HttpUrl.optional(),
  HANDOFF_MODEL_API_KEY: z.string().optional(),
  HANDOFF_MODEL: z.string().min(1).optional(),
  HANDOFF_SANDBOX: z.enum(['local']).default('local'),
  HANDOFF_GITHUB_URL: HttpUrl.default('https://github.com'),
  HANDOFF_GITHUB_API_URL: HttpUrl.default('https://api.github.com'),
  HANDOFF_ALLOWED_HOSTS: z.string().optional(),
  HANDOFF_LOG: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** `{"name": "token"}`, as an object in the file or as JSON in the environment: people who share this relay. */
  HANDOFF_USERS: z.preprocess(fromJson, z.record(UserName, z.string().min(16))).default({}),
  HANDOFF_FILE_SOURCES: z.enum(['owner', 'all']).default('owner'),
  HANDOFF_WORK: z.string().min(1).optional(),
  HANDOFF_MAX_TURNS: Count.default(64),
  HANDOFF_MAX_TURNS_PER_USER: Count.default(32),
  HANDOFF_GRACE_SECONDS: z.coerce.number().min(0).max(3600).default(5),
  HANDOFF_IDLE_MINUTES: z.coerce.number().min(0.01).max(100_000).default(10),
  HANDOFF_RETENTION_DAYS: z.coerce.number().min(0.001).max(36_500).default(30),
  HANDOFF_NOTIFY_URL: HttpUrl.optional(),
  /** For tests: `kill:<file>` dies once at each boundary of a turn, `list:<file>` lists them. */
  HANDOFF_KILL_POINTS: z
    .templateLiteral([z.enum(['kill', 'list']), ':', z.string().min(1)])
    .transform((text) => ({ mode: text.startsWith('kill:') ? 'kill' : 'list', file: text.slice(5) }) as const)
    .optional(),
});

const DEFAULT_PORT = 7420;

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
  /** Host names by which this relay may be addressed, besides loopback's. */
  allowedHosts: string[];
  /** Whether only this machine can reach the relay. */
  isLoopback: boolean;
  sandbox: 'local';
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
  /** Where this relay dies, for tests. Absent: nowhere. */
  killPoints: KillPointSettings | undefined;
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
    allowedHosts: allowedHosts(settings.HANDOFF_HOST, settings.HANDOFF_ALLOWED_HOSTS),
    isLoopback: ['127.0.0.1', '::1', 'localhost'].includes(settings.HANDOFF_HOST),
    sandbox: settings.HANDOFF_SANDBOX,
    logLevel: settings.HANDOFF_LOG,
    workDir: await ownFolder(settings.HANDOFF_WORK ?? data),
    users: settings.HANDOFF_USERS,
    fileSources: settings.HANDOFF_FILE_SOURCES,
    limits: { turns: settings.HANDOFF_MAX_TURNS, turnsPerOwner: settings.HANDOFF_MAX_TURNS_PER_USER },
    graceMs: settings.HANDOFF_GRACE_SECONDS * 1000,
    idleMs: settings.HANDOFF_IDLE_MINUTES * 60_000,
    retentionMs: settings.HANDOFF_RETENTION_DAYS * 24 * 3_600_000,
    notifyUrl: settings.HANDOFF_NOTIFY_URL,
    killPoints: settings.HANDOFF_KILL_POINTS,
    env,
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

/** The model to use now: read at each call, so that a running relay follows the settings. Throws `model_not_configured`. */
export function modelSettings({ dataDir: data, env }: Config, model: string | undefined): ModelSettings {
  const settings = readSettings(data, env);
  const name = model ?? settings.HANDOFF_MODEL;
  if (!settings.HANDOFF_MODEL_BASE_URL || !name) {
    throw new AppError('model_not_configured', 'No model is configured.', {
      nextAction:
        'Set HANDOFF_MODEL_BASE_URL, HANDOFF_MODEL and HANDOFF_MODEL_API_KEY, or run “Handoff: Set Up Model” in VS Code; then send a message to go on.',
    });
  }
  return {
    baseUrl: settings.HANDOFF_MODEL_BASE_URL,
    model: name,
    ...(settings.HANDOFF_MODEL_API_KEY ? { apiKey: settings.HANDOFF_MODEL_API_KEY } : {}),
  };
}

/** What `GET /v1/ready` says once the engine is up: whether a task would find a model. */
export function readiness(config: Config): Ready {
  try {
    const { model } = modelSettings(config, undefined);
    return { ready: true, modelConfigured: true, model, sandbox: config.sandbox };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ready: true, modelConfigured: false, sandbox: config.sandbox };
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
