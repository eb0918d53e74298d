import { createHash } from 'node:crypto';
import {
  type DatabaseConfig,
  type HookConfig,
  type McpConfig,
  REPOSITORY_CONFIG,
  RepositoryConfig,
  readRepositoryConfig,
  type ServiceConfig,
  SetupConfig,
} from '../protocol/repository-config.ts';
import { narrow } from '../sandbox/network.ts';
import type { NetworkPolicy, SandboxResources } from '../sandbox/sandbox.ts';
import { DEVCONTAINER_NAME, type Devcontainer, readDevcontainer } from './devcontainer.ts';
import { type EnvironmentFiles, SETUP_SCRIPT } from './files.ts';
import type { SetupPlan } from './setup.ts';

/** The most that a task's environment may be, by the relay's owner and the person. */
export interface EnvironmentAllowed {
  network: NetworkPolicy;
  resources: SandboxResources;
  /** The owner's own image; undefined where the adapter's is meant. */
  image: string | undefined;
  /** Whether sandboxes have images at all. */
  images: boolean;
  /** Whether a sandbox can reach a server of the owner's by a forwarded port. */
  forwards: boolean;
  /** Templates that the owner offers. */
  databases: readonly string[];
  /** What setup is run on, such as `local linux-x64`: its result is of no use elsewhere. */
  platform: string;
  /** Whose secrets would be placed, and for which repository: what setup makes with them is for nobody else. */
  holder: string;
}

/** What a task's environment is. All of it is within what is allowed. */
export interface EnvironmentPlan {
  image?: string;
  resources?: SandboxResources;
  network: NetworkPolicy;
  setup?: SetupPlan;
  env: Record<string, string>;
  /** Names: whether the person allowed them for this repository is asked when they are placed. */
  secrets: string[];
  services: ServiceConfig[];
  database?: DatabaseConfig;
  hooks: HookConfig[];
  /** MCP servers by name; undefined where nobody knows which it wanted: then it has none, for it may have wanted fewer. */
  mcp: Record<string, McpConfig> | undefined;
  /** What was asked for and is not given, or cannot be read; each a sentence or two for the person. */
  problems: string[];
}

/**
 * Decides what of the repository's wishes a task gets. A key of the configuration that is wrong is told, and the task goes on without
 * it; only for the network that would be unsafe, for a repository that wanted less must not get more: then it has none.
 */
export function planEnvironment(files: EnvironmentFiles, allowed: EnvironmentAllowed): EnvironmentPlan {
  const problems = files.unread.map(({ path, why }) => `${path} is not read: ${why}.`);
  const { config, broken } = configOf(files, problems);
  const devcontainer = devcontainerOf(files, problems);
  const network = networkOf(config, broken, allowed, problems);
  const image = imageOf(config, devcontainer, allowed, problems);
  const resources = resourcesOf(config, allowed, problems);
  const database = databaseOf(config, network, allowed, problems);
  const setup = setupOf(files, config, broken, devcontainer);
  const secrets = secretsOf(config, database, problems);
  const machine = { image, network, env: config.env, secrets, allowed };
  return {
    ...(image === undefined ? {} : { image }),
    ...(resources === undefined ? {} : { resources }),
    network,
    ...(setup === undefined ? {} : { setup: { ...setup, key: keyOf(setup.stages, files.inputs, machine) } }),
    env: config.env,
    secrets,
    services: config.services,
    hooks: config.hooks,
    mcp: broken.includes('mcp') ? undefined : config.mcp,
    ...(database === undefined ? {} : { database }),
    problems,
  };
}

/** `broken`: the keys of which nobody knows what they should have been. */
function configOf(
  { config: text = '{}', unread }: EnvironmentFiles,
  problems: string[],
): { config: RepositoryConfig; broken: string[] } {
  const read = readRepositoryConfig(text);
  const all = Object.keys(RepositoryConfig.shape);
  if (unread.some(({ path }) => path === REPOSITORY_CONFIG)) return { config: read.config, broken: all };
  if (read.ok) return { config: read.config, broken: [] };
  const { broken, problem } = read;
  problems.push(
    `${REPOSITORY_CONFIG} is wrong, and the task goes on without ${broken.join(', ')}: ${problem}`,
  );
  return { config: read.config, broken };
}

/** A wish of other tools' users: what of it cannot be had is not told, but for a file that cannot be read. */
function devcontainerOf({ devcontainer }: EnvironmentFiles, problems: string[]): Devcontainer {
  if (devcontainer === undefined) return { stages: [] };
  try {
    return readDevcontainer(devcontainer);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    problems.push(`The devcontainer.json cannot be read, and the task goes on without it: ${why}`);
    return { stages: [] };
  }
}

function networkOf(
  { network }: RepositoryConfig,
  broken: string[],
  allowed: EnvironmentAllowed,
  problems: string[],
): NetworkPolicy {
  if (broken.includes('network')) return narrow(allowed.network, []).policy;
  const { policy, refused } = narrow(allowed.network, network?.domains);
  if (refused.length > 0) {
    problems.push(
      `The repository asks for a network that the relay’s owner does not allow (HANDOFF_NETWORK): ${refused.join(', ')}.`,
    );
  }
  return policy;
}

function imageOf(
  { image }: RepositoryConfig,
  devcontainer: Devcontainer,
  allowed: EnvironmentAllowed,
  problems: string[],
): string | undefined {
  if (image !== undefined && !allowed.images) {
    problems.push(`The repository asks for the image ${image}, and this relay’s sandboxes have none.`);
  }
  if (!allowed.images) return allowed.image;
  return image ?? devcontainer.image ?? allowed.image;
}

function resourcesOf(
  { resources: wanted = {} }: RepositoryConfig,
  { resources: most }: EnvironmentAllowed,
  problems: string[],
): SandboxResources | undefined {
  const resources: SandboxResources = { ...most };
  for (const key of ['cpus', 'memoryMiB', 'diskMiB'] as const) {
    const asked = wanted[key];
    if (asked === undefined) continue;
    const limit = most[key] ?? Number.POSITIVE_INFINITY;
    resources[key] = Math.min(asked, limit);
    if (asked > limit) problems.push(`The repository asks for ${asked} ${key}, and may have ${limit}.`);
  }
  return Object.keys(resources).length === 0 ? undefined : resources;
}

function databaseOf(
  { database }: RepositoryConfig,
  network: NetworkPolicy,
  allowed: EnvironmentAllowed,
  problems: string[],
): DatabaseConfig | undefined {
  if (database?.kind !== 'postgres') return database;
  const { template } = database;
  const why = !allowed.databases.includes(template)
    ? 'the relay’s owner offers none of that name (HANDOFF_DATABASES)'
    : !allowed.forwards
      ? 'this relay’s sandboxes cannot reach its server: use local sandboxes'
      : network.mode === 'open'
        ? 'a sandbox with an open network is not led to its server: list what it needs in HANDOFF_NETWORK instead'
        : undefined;
  if (why === undefined) return database;
  problems.push(`The repository asks for a copy of the database ${template}, and ${why}.`);
  return undefined;
}

function setupOf(
  { setupScript }: EnvironmentFiles,
  { setup }: RepositoryConfig,
  broken: string[],
  devcontainer: Devcontainer,
): Omit<SetupPlan, 'key'> | undefined {
  // Nobody knows whether what else there is would be right.
  if (broken.includes('setup')) return undefined;
  const { command, timeoutMs } = setup ?? SetupConfig.parse({});
  if (command !== undefined) return { stages: [[['bash', '-c', command]]], timeoutMs, command };
  if (setupScript !== undefined) {
    return { stages: [[['bash', '-c', setupScript, SETUP_SCRIPT]]], timeoutMs, command: SETUP_SCRIPT };
  }
  if (devcontainer.stages.length === 0) return undefined;
  return { stages: devcontainer.stages, timeoutMs, command: DEVCONTAINER_NAME };
}

/** A variable has one value: the database's, else the secret's. */
function secretsOf(
  { env, secrets }: RepositoryConfig,
  database: DatabaseConfig | undefined,
  problems: string[],
): string[] {
  for (const name of secrets.filter((secret) => Object.hasOwn(env, secret))) {
    problems.push(`${REPOSITORY_CONFIG} has ${name} as a variable and as a secret: the secret counts.`);
  }
  if (database !== undefined && (secrets.includes(database.env) || Object.hasOwn(env, database.env))) {
    problems.push(`${REPOSITORY_CONFIG} has ${database.env} twice: the URL of the database counts.`);
  }
  return secrets.filter((name) => name !== database?.env);
}

/** Everything that decides what setup comes to; where it is the same, so is the machine that setup made. */
function keyOf(
  stages: string[][][],
  inputs: Record<string, string>,
  machine: {
    image: string | undefined;
    network: NetworkPolicy;
    env: Record<string, string>;
    secrets: string[];
    allowed: EnvironmentAllowed;
  },
): string {
  const { image = null, network, env, secrets, allowed } = machine;
  const sorted = (of: Record<string, string>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
  const domains = network.mode === 'allow-list' ? [...network.domains].sort() : [];
  const parts = [
    ...[stages, sorted(inputs), image, network.mode, domains, sorted(env), allowed.platform],
    ...(secrets.length === 0 ? [] : [[...secrets].sort(), allowed.holder]),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
