import { createHash, randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { DatabaseConfig } from '../protocol/repository-config.ts';
import { createRecent } from '../repo/recent.ts';
import type { RepoDeps } from '../repo/repository.ts';
import { isFileUrl } from '../repo/source-url.ts';
import type { PortForward, Sandbox, SandboxSpec } from '../sandbox/sandbox.ts';
import type { TaskRow } from '../tasks/task-store.ts';
import { type Dress, dress } from './dress.ts';
import type { Tell } from './events.ts';
import { readEnvironmentFiles } from './files.ts';
import { createMask, type Mask } from './mask.ts';
import { describeEnvironment } from './notes.ts';
import { type EnvironmentAllowed, type EnvironmentPlan, planEnvironment } from './plan.ts';
import type { PostgresCopies, PostgresCopy } from './postgres-copies.ts';
import { repositoryIdentity } from './repository-identity.ts';
import type { Granted, SecretStore } from './secret-store.ts';
import { createServices, type ServiceStatus } from './services.ts';
import { runSetup, type SetupResult } from './setup.ts';
import { copySqlite, sqlitePath, sqliteUrl } from './sqlite-copy.ts';

/** How a machine is made ready. */
export interface Making {
  tell: Tell;
  /** Names the machine among all that the task has had, for a rebuilt one may have the same id. Absent: the id. */
  machine?: string;
  signal: AbortSignal;
}

/** What a task's repository needs around its workspace. Every function may be repeated. */
export interface TaskEnvironment {
  /** As the task's base tree, the owner and the person have it. */
  plan(taskId: string): Promise<EnvironmentPlan>;
  /** What the task's machine is made as; its database is there then, for the machine is made to reach it. */
  spec(taskId: string): Promise<SandboxSpec>;
  /**
   * Makes a machine ready that was filled with the task's files: setup, database file, services. To be called after every create,
   * resume and rebuild, before the agent works in it. What the repository has wrong is told, and does not fail.
   * @returns what the agent should know of its machine, a line each
   */
  ready(taskId: string, sandbox: Sandbox, how: Making): Promise<string[]>;
  /** The setup alone, as `ready` runs it; undefined where there is none. */
  setUp(taskId: string, sandbox: Sandbox, how: Making): Promise<SetupResult | undefined>;
  /** As `spec`, of a machine that is only set up: without a database of its own. */
  prebuildSpec(taskId: string): Promise<SandboxSpec>;
  /** Names all that decides what a machine has once it is set up: also whose it is, of which repository, and with which secrets. */
  prebuildKey(taskId: string): Promise<{ key: string; hasSetup: boolean }>;
  /** The text with the values of the task's secrets struck out, for what did not come from a command. As of the last `dress`. */
  hide(taskId: string, text: string): string;
  /** The machine as commands of the task are to see it: with variables, secrets and the database's URL, and those kept from being shown. */
  dress(taskId: string, sandbox: Sandbox): Promise<Sandbox>;
  services(taskId: string): ServiceStatus[];
  /** Starts the services in a copy of the task's machine, which has a life of its own. */
  serve(taskId: string, forkId: string, sandbox: Sandbox, signal: AbortSignal): Promise<void>;
  /** The copy is gone. */
  forgetFork(forkId: string): void;
  /** Removes what the task had outside its machine. */
  release(taskId: string): Promise<void>;
  /**
   * Removes what tasks that are gone still have outside their machines.
   * @param isGone true only where that is certain: other relays' tasks, which this one does not know, may use the same server
   */
  reap(isGone: (taskId: string) => Promise<boolean>): Promise<void>;
}

/** A task as far as its environment goes: whose it is, and what it began with. */
export type Begun = Pick<TaskRow, 'owner' | 'spec' | 'prepared'>;

export interface TaskEnvironmentDeps {
  store: { get(taskId: string): Promise<Begun | undefined> };
  repo: RepoDeps;
  allowed: Omit<EnvironmentAllowed, 'holder'>;
  secrets: Pick<SecretStore, 'granted' | 'list' | 'used' | 'isImported'>;
  copies: PostgresCopies;
  /** Takes out of the task's workspace what setup wrote into it. */
  putBack: (taskId: string, sandbox: Sandbox) => Promise<void>;
}

/** Plans that are remembered: each is read from Git once in a process. */
const MOST_PLANS = 500;
const POSTGRES_PORT = 5432;

interface Known {
  plan: EnvironmentPlan;
  owner: string;
  /** Whose secrets it may be given; undefined where nobody can say which it is, or its files are another's. */
  repository: string | undefined;
  /** Whose it is, of which repository, and where its files are from: what setup makes is for nobody else. */
  holder: string;
  /** Nobody's setup but that of the branch's own files has run in what its tasks begin from: a branch may be a stranger's. */
  branch: string | undefined;
}

export function createTaskEnvironment(deps: TaskEnvironmentDeps): TaskEnvironment {
  const { copies } = deps;
  const services = createServices();
  const plans = createRecent<Known>(MOST_PLANS);
  const masks = new Map<string, Mask | undefined>();

  async function know(taskId: string): Promise<Known> {
    const kept = plans.get(taskId);
    if (kept !== undefined) return kept;
    const row = await deps.store.get(taskId);
    if (!row?.prepared) throw new AppError('not_ready', 'The repository of the task is not here yet.');
    const { repository, holder } = (await deps.secrets.isImported(taskId))
      ? { repository: undefined, holder: JSON.stringify([row.owner, taskId]) }
      : await originOf(taskId, row);
    const files = await readEnvironmentFiles(deps.repo, taskId, row.prepared.baseTree);
    const plan = planEnvironment(files, { ...deps.allowed, databases: copies.templates, holder });
    const known = { plan, owner: row.owner, repository, holder, branch: row.spec.source.branch };
    plans.set(taskId, known);
    return known;
  }

  const grant = ({ plan, owner, repository }: Known): Promise<Granted> =>
    deps.secrets.granted(owner, repository, plan.secrets);

  /** Which secrets are placed, and since when each is what it is: a machine made with others is not to be had any more. */
  async function grantsOf({ plan, owner, repository }: Known): Promise<[string, number][]> {
    if (plan.secrets.length === 0 || repository === undefined) return [];
    const allowed = (await deps.secrets.list(owner)).filter(
      ({ name, repositories }) => plan.secrets.includes(name) && repositories.includes(repository),
    );
    return allowed.map(({ name, updatedAt }) => [name, updatedAt]);
  }

  async function databaseDress(
    taskId: string,
    { database, services: own }: EnvironmentPlan,
    sandbox: Sandbox,
  ): Promise<Pick<Dress, 'env' | 'hidden'>> {
    if (database === undefined) return { env: {} };
    if (database.kind === 'sqlite') {
      const path = sqlitePath(sandbox, database.template);
      return { env: { [database.env]: sqliteUrl(path), HANDOFF_DATABASE_FILE: path } };
    }
    const copy = await copies.describe(taskId, database.template);
    return {
      env: { [database.env]: postgresUrl(copy, portFor(own)) },
      hidden: [{ name: database.env, value: copy.password }],
    };
  }

  /** @returns what is wrong with the task's database, for the person */
  async function databaseReady(
    taskId: string,
    { kind, template }: DatabaseConfig,
    sandbox: Sandbox,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (kind === 'sqlite') return copySqlite(sandbox, template, signal);
    // Made with the machine; here it was there before.
    const { isNew } = await copies.provide(taskId, template);
    return isNew
      ? `The task’s copy of the database ${template} was gone, and was made anew: what the task had written to it is lost.`
      : undefined;
  }

  async function dressed(taskId: string, sandbox: Sandbox): Promise<Sandbox> {
    const known = await know(taskId);
    const { env, hidden } = await databaseDress(taskId, known.plan, sandbox);
    const secrets = secretsOf(await grant(known));
    const own = {
      env: { ...known.plan.env, ...env },
      secrets: secrets.filter(({ name }) => !Object.hasOwn(env, name)),
      ...(hidden === undefined ? {} : { hidden }),
    };
    masks.set(taskId, createMask([...own.secrets, ...(hidden ?? [])]));
    return dress(sandbox, own);
  }

  async function setUp(taskId: string, sandbox: Sandbox, making: Making): Promise<SetupResult | undefined> {
    const known = await know(taskId);
    const { setup, env } = known.plan;
    if (setup === undefined) return undefined;
    const own = dress(sandbox, { env, secrets: secretsOf(await grant(known)) });
    return runSetup(own, setup, {
      ...making,
      machine: nameOf(sandbox, making),
      putBack: () => deps.putBack(taskId, sandbox),
    });
  }

  const machineOf = (taskId: string, { image, resources, network }: EnvironmentPlan): SandboxSpec => ({
    taskId,
    ...(image === undefined ? {} : { image }),
    ...(resources === undefined ? {} : { resources }),
    network,
  });

  return {
    plan: async (taskId) => (await know(taskId)).plan,
    setUp,
    prebuildSpec: async (taskId) => machineOf(taskId, (await know(taskId)).plan),

    async prebuildKey(taskId) {
      const known = await know(taskId);
      const { holder, branch } = known;
      const { setup, image } = known.plan;
      const { platform } = deps.allowed;
      return {
        key: digest(JSON.stringify([holder, branch, platform, image, setup?.key, await grantsOf(known)])),
        hasSetup: setup !== undefined,
      };
    },

    async spec(taskId) {
      const { plan } = await know(taskId);
      const { network, database } = plan;
      const spec = machineOf(taskId, plan);
      if (database?.kind !== 'postgres' || network.mode === 'open') return spec;
      const { copy } = await copies.provide(taskId, database.template);
      const to = { host: copy.host, port: copy.port };
      const forward: PortForward = { port: portFor(plan.services), to };
      return { ...spec, network: { ...network, forwards: [...(network.forwards ?? []), forward] } };
    },

    async ready(taskId, sandbox, making) {
      const { tell, signal } = making;
      const known = await know(taskId);
      const { plan } = known;
      /** @param of what it is a fact of, where that is not the task: of each it is told anew */
      const note = (text: string, of = ''): Promise<void> =>
        tell({ key: `environment:noted:${of}${digest(text)}`, event: { type: 'environment.noted', text } });
      for (const problem of plan.problems) await note(problem);
      const granted = await grant(known);
      for (const problem of missing(granted, known)) await note(problem);
      await deps.secrets.used(known.owner, Object.keys(granted.values));
      const setup = await setUp(taskId, sandbox, making);
      const problem = plan.database && (await databaseReady(taskId, plan.database, sandbox, signal));
      // A lost copy is found once, and the next loss is another.
      const isLoss = plan.database?.kind === 'postgres';
      if (problem !== undefined) await note(problem, `${isLoss ? randomUUID() : nameOf(sandbox, making)}:`);
      const running =
        plan.services.length === 0
          ? []
          : await services.start(taskId, await dressed(taskId, sandbox), plan.services, signal);
      for (const { problem } of running)
        if (problem !== undefined) await note(problem, `${nameOf(sandbox, making)}:`);
      return describeEnvironment(plan, { setup, services: running, secrets: Object.keys(granted.values) });
    },

    dress: dressed,
    hide: (taskId, text) => masks.get(taskId)?.text(text) ?? text,

    services: (taskId) => services.statuses(taskId),

    async serve(taskId, forkId, sandbox, signal) {
      const { plan } = await know(taskId);
      if (plan.services.length === 0) return;
      await services.start(forkId, await dressed(taskId, sandbox), plan.services, signal);
    },
    forgetFork: (forkId) => services.forget(forkId),

    async release(taskId) {
      services.forget(taskId);
      masks.delete(taskId);
      if (copies.templates.length > 0) await copies.remove(taskId);
    },

    async reap(isGone) {
      if (copies.templates.length === 0) return;
      for (const taskId of await copies.list()) if (await isGone(taskId)) await copies.remove(taskId);
    },
  };
}

/**
 * The person knows a repository by where accepted work goes, and what was allowed for that is not for files that another server
 * has: whoever names both would decide which. A folder of this machine, and an upload, are the person's own clone.
 */
async function originOf(
  taskId: string,
  { owner, spec: { source } }: Begun,
): Promise<Pick<Known, 'repository' | 'holder'>> {
  const { url, remote } = source;
  const from = url === undefined ? undefined : await repositoryIdentity(url);
  const known = remote === undefined ? from : await repositoryIdentity(remote);
  const isOwnClone = url === undefined || isFileUrl(url);
  return {
    repository: isOwnClone || from === known ? known : undefined,
    holder: JSON.stringify([owner, known ?? taskId, from ?? null]),
  };
}

const nameOf = ({ ref }: Sandbox, { machine = ref.id }: Making): string => machine;

const secretsOf = ({ values }: Granted) => Object.entries(values).map(([name, value]) => ({ name, value }));

function missing({ unknown, notAllowed }: Granted, { plan, repository }: Known): string[] {
  if (repository === undefined && plan.secrets.length > 0) {
    return [
      `The repository asks for secrets (${plan.secrets.join(', ')}), and gets none: the task came in a file, its repository has no address, or its files are fetched from elsewhere than its work goes to.`,
    ];
  }
  return [
    ...unknown.map(
      (name) => `The repository asks for the secret ${name}, which you have not added. ${HOW_TO_ADD}`,
    ),
    ...notAllowed.map(
      (name) =>
        `The repository asks for the secret ${name}, which you have not allowed for it. ${HOW_TO_ADD}`,
    ),
  ];
}

const HOW_TO_ADD =
  'If it should have it, run “Handoff: Add Secret for This Repository” in VS Code, or npm start -- secrets set in a terminal; it is placed from the next message on.';

/** Inside the sandbox: where Postgres usually is, unless a service of the repository is there. */
function portFor(services: EnvironmentPlan['services']): number {
  const taken = new Set(services.flatMap(({ port, ready }) => [port, ready?.port]));
  let port = POSTGRES_PORT;
  while (taken.has(port)) port += 1;
  return port;
}

const postgresUrl = ({ user, password, database }: PostgresCopy, port: number): string =>
  `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
