import type { Config } from '../config.ts';
import type { Tell } from '../environment/events.ts';
import { createPostgresCopies } from '../environment/postgres-copies.ts';
import { createPutBack } from '../environment/put-back.ts';
import { createSecretStore } from '../environment/secret-store.ts';
import { createTaskEnvironment } from '../environment/task-environment.ts';
import { loadVaultKey, type VaultKey } from '../environment/vault-key.ts';
import { OWNER } from '../http/auth.ts';
import type { RepoDeps } from '../repo/repository.ts';
import { restoreWorkspace } from '../repo/restore.ts';
import type { createTaskRepo } from '../repo/task-repo.ts';
import type { Surroundings } from '../sandbox/lifecycle/contents.ts';
import { createPrebuildEnvironments } from '../sandbox/prebuild/environment.ts';
import type { SandboxProvider } from '../sandbox/sandbox.ts';
import type { Storage } from './storage.ts';

/** What repositories ask for around their workspaces, and what people gave for it. */
export function openSurroundings(
  config: Config,
  { patient, database, turnStore, turnStates, turnLog, now }: Storage,
  {
    repoDeps,
    repo,
    provider,
  }: { repoDeps: RepoDeps; repo: ReturnType<typeof createTaskRepo>; provider: SandboxProvider },
) {
  let vault: Promise<VaultKey> | undefined;
  const key = (): Promise<VaultKey> => {
    vault ??= loadVaultKey(config.dataDir);
    vault.catch(() => {
      vault = undefined;
    });
    return vault;
  };
  const mayReadFiles = (owner: string): boolean => owner === OWNER || config.fileSources === 'all';
  const secretsOn = (database: Storage['database']) =>
    createSecretStore({ database, key, mayReadFiles, now });
  const secrets = secretsOn(patient);
  const copies = createPostgresCopies({ databases: config.databases, key });
  const { network, resources, image, daytona } = config.sandbox;
  const allowed = {
    network,
    resources,
    // The owner's own image is the adapter's to take where the repository names none.
    image: undefined,
    images: provider.traits.images,
    forwards: provider.name === 'local',
    databases: copies.templates,
    platform: [provider.name, image, daytona.snapshot, process.platform, process.arch].join(' '),
  };
  const shared = { repo: repoDeps, allowed, secrets, copies };

  const headTree = async (taskId: string): Promise<string> => {
    const { proposal } = await turnStates.current(taskId);
    return proposal?.headTree ?? (await turnStore.get(taskId))?.prepared?.baseTree ?? '';
  };
  const putBack = createPutBack({ headTree, capture: repo.capture, restoreWorkspace });
  const environment = createTaskEnvironment({ ...shared, store: turnStore, putBack });
  const notes = new Map<string, string[]>();

  const surroundings: Surroundings = {
    spec: environment.spec,
    async ready(taskId, sandbox, { machine, signal }) {
      const tell: Tell = async ({ key: name, event }) =>
        void (await turnLog.append(taskId, null, [{ key: name, event }]));
      notes.set(taskId, await environment.ready(taskId, sandbox, { tell, machine, signal }));
    },
    dress: environment.dress,
    serve: environment.serve,
    forgetFork: environment.forgetFork,
    notes: (taskId) => notes.get(taskId) ?? [],
    hide: environment.hide,
  };

  return {
    environment,
    surroundings,
    /** Under which people's secrets are sealed; made when it is first needed. */
    vaultKey: key,
    /** For requests, which do not wait for a database that is away. */
    secrets: secretsOn(database),
    prebuilds: createPrebuildEnvironments({
      ...shared,
      store: turnStore,
      environment,
      capture: repo.capture,
      restoreWorkspace,
    }),
    mayReadFiles,
    /** What the task had outside its machine. */
    async release(taskId: string): Promise<void> {
      notes.delete(taskId);
      await environment.release(taskId);
    },
  };
}
