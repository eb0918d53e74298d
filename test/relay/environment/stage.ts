import path from 'node:path';
import type { EnvironmentEvent } from '../../../server/environment/events.ts';
import type { EnvironmentAllowed } from '../../../server/environment/plan.ts';
import { createPostgresCopies } from '../../../server/environment/postgres-copies.ts';
import { createPutBack } from '../../../server/environment/put-back.ts';
import { createSecretStore, type SecretStore } from '../../../server/environment/secret-store.ts';
import { createTaskEnvironment, type TaskEnvironment } from '../../../server/environment/task-environment.ts';
import { loadVaultKey } from '../../../server/environment/vault-key.ts';
import { restoreWorkspace } from '../../../server/repo/restore.ts';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { captureProposal, checkoutInto } from '../../../server/repo/workspace.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import type { Prepared, TaskRow } from '../../../server/tasks/task-store.ts';
import {
  commitAll,
  type Files,
  makeClone,
  repoDeps,
  temporaryFolder,
  writeFiles,
} from '../../unit/repo/repositories.ts';
import { type OwnDatabase, openOwnDatabase } from '../record/own-database.ts';
import { type LocalFixture, localFixture, shell } from '../sandbox/support/local.ts';

export const REMOTE = 'https://github.com/ada/engine.git';
export const OWNER = 'ada';

/** A machine of a task, made ready. */
export interface Started {
  taskId: string;
  /** As it is made, and as the task's commands see it. */
  bare: Sandbox;
  sandbox: Sandbox;
  notes: string[];
  /** What setup left to be seen as the agent's work. */
  changed(): Promise<boolean>;
}

/** Real machines, Git, Postgres and secrets, and what is told of them. */
export interface Stage {
  fixture: LocalFixture;
  database: OwnDatabase;
  secrets: SecretStore;
  told: { taskId: string; event: EnvironmentEvent }[];
  /** A relay's own view of it; another one is another relay on the same machine. */
  environment(): TaskEnvironment;
  /** What the relay's owner allows; to be changed before a task is looked at. */
  allowed: Omit<EnvironmentAllowed, 'holder'>;
  /** Makes a task of a repository with these files. */
  task(files: Files): Promise<string>;
  /** Creates the task's machine, and fills it with the task's files. */
  machine(taskId: string, environment?: TaskEnvironment): Promise<Sandbox>;
  /** The same, made ready. */
  start(taskId: string, environment?: TaskEnvironment): Promise<Started>;
  /** Makes a machine ready, and tells. */
  ready(
    taskId: string,
    sandbox: Sandbox,
    environment?: TaskEnvironment,
    signal?: AbortSignal,
  ): Promise<string[]>;
  /** How often rows of tasks were asked for. */
  looks(): number;
  close(): Promise<void>;
}

/** @param databases templates by name, in the stage's own Postgres */
export async function openStage(databases: Record<string, string> = {}): Promise<Stage> {
  const folder = temporaryFolder();
  const fixture = await localFixture();
  await bundleEgress(path.dirname(fixture.supervisorPath));
  const database = await openOwnDatabase();
  const repo = repoDeps(folder.path);
  const rows = new Map<string, TaskRow & { prepared: Prepared }>();
  const told: Stage['told'] = [];
  const keys = new Set<string>();
  let count = 0;
  let looks = 0;

  const baseTree = (taskId: string): string => rows.get(taskId)?.prepared.baseTree ?? '';
  const key = () => loadVaultKey(folder.path);
  const secrets = createSecretStore({
    database: database.database,
    key,
    mayReadFiles: () => false,
    now: Date.now,
  });
  const allowed: Stage['allowed'] = {
    network: { mode: 'none' },
    resources: {},
    image: undefined,
    images: false,
    forwards: true,
    databases: [],
    platform: 'test',
  };
  const at = (name: string): string => {
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    return url.href;
  };
  const urls = Object.fromEntries(Object.entries(databases).map(([name, template]) => [name, at(template)]));
  const capture = (taskId: string, sandbox: Sandbox, previousTree: string) =>
    captureProposal(repo, sandbox, { taskId, previousTree });

  const environment = (): TaskEnvironment =>
    createTaskEnvironment({
      store: {
        get: async (taskId) => {
          looks += 1;
          return rows.get(taskId);
        },
      },
      repo,
      allowed,
      secrets,
      copies: createPostgresCopies({ databases: urls, key }),
      putBack: createPutBack({ headTree: async (taskId) => baseTree(taskId), capture, restoreWorkspace }),
    });
  const first = environment();

  const stage: Stage = {
    fixture,
    database,
    secrets,
    told,
    environment,
    allowed,
    looks: () => looks,

    async task(files) {
      count += 1;
      const taskId = `${fixture.taskId}-${count}`;
      const { clone, url } = makeClone(path.join(folder.path, String(count)), { '.gitignore': 'ignored/\n' });
      writeFiles(clone, files);
      const commit = commitAll(clone, 'files');
      const source = { url, remote: REMOTE, commit, overlay: [] };
      const prepared = await prepareSource(repo, { taskId, source });
      const spec = { source: { url, remote: REMOTE, commit } };
      const rest = { activeTurn: null, sandbox: null, archived: false, host: null };
      rows.set(taskId, { taskId, spec, owner: OWNER, prepared, ...rest });
      return taskId;
    },

    async machine(taskId, environment = first) {
      const bare = await fixture.provider.create(await environment.spec(taskId));
      await checkoutInto(bare, { taskId, bundle: await startBundle(repo, taskId), branch: 'main' });
      return bare;
    },

    async start(taskId, environment = first) {
      const bare = await stage.machine(taskId, environment);
      const notes = await stage.ready(taskId, bare, environment);
      return {
        taskId,
        bare,
        notes,
        sandbox: await environment.dress(taskId, bare),
        changed: async () => (await capture(taskId, bare, baseTree(taskId))).headTree !== baseTree(taskId),
      };
    },

    ready: (taskId, sandbox, environment = first, signal = new AbortController().signal) =>
      environment.ready(taskId, sandbox, {
        signal,
        // As the log does it: a key once.
        tell: async ({ key, event }) => {
          if (keys.has(`${taskId} ${key}`)) return;
          keys.add(`${taskId} ${key}`);
          told.push({ taskId, event });
        },
      }),

    async close() {
      await fixture.dispose();
      await database.close();
      folder[Symbol.dispose]();
    },
  };
  return stage;
}

/** What connects sandboxes to the owner's servers, where the provider looks for it. */
async function bundleEgress(folder: string): Promise<void> {
  const { build } = await import('esbuild');
  await build({
    entryPoints: ['server/sandbox/local/egress/main.ts'],
    outfile: path.join(folder, 'egress.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    logLevel: 'warning',
  });
}

/** What a script in the sandbox prints, without its last line's end. */
export async function says(sandbox: Sandbox, script: string): Promise<string> {
  const { out, err } = await shell(sandbox, script);
  return `${out}${err}`.trimEnd();
}

export const config = (content: unknown): Files => ({ '.handoff/config.json': JSON.stringify(content) });
