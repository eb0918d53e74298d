import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_TOOLS, createMachine, type ImageTools } from './machine.ts';
import { ApiRefusal, type SandboxRecord, type SnapshotRecord } from './records.ts';
import { createTransitions, newToken, type Transitions } from './transitions.ts';

/** Everything that the double has. */
export interface World {
  readonly sandboxes: Map<string, SandboxRecord>;
  readonly snapshots: Map<string, SnapshotRecord>;
  readonly transitions: Transitions;
  /** By id or name. @throws ApiRefusal 404 */
  sandbox(idOrName: string): SandboxRecord;
  /** By id or name. @throws ApiRefusal 404 */
  snapshot(idOrName: string): SnapshotRecord;
  create(asked: Record<string, unknown>, toolboxProxyUrl: string): Promise<SandboxRecord>;
  takeSnapshot(record: SandboxRecord, name: string): Promise<void>;
  /** Stops everything and removes all files. */
  end(): Promise<void>;
}

/** Images are told apart by the first word of their name. */
const IMAGES: Record<string, ImageTools> = {
  'without-node': { ...ALL_TOOLS, node: 'none' },
  'old-node': { ...ALL_TOOLS, node: 'old' },
  'without-git': { ...ALL_TOOLS, git: false },
  'without-ripgrep': { ...ALL_TOOLS, ripgrep: false },
};

export async function createWorld(now: () => Date): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'daytona-'));
  const sandboxes = new Map<string, SandboxRecord>();
  const snapshots = new Map<string, SnapshotRecord>();
  const transitions = createTransitions();
  let folders = 0;
  const newFolder = (): string => {
    folders += 1;
    return join(root, String(folders));
  };

  const snapshot = (idOrName: string): SnapshotRecord => {
    const found = snapshots.get(idOrName) ?? [...snapshots.values()].find(({ dto }) => dto.name === idOrName);
    if (found === undefined) throw new ApiRefusal(404, `Snapshot ${idOrName} not found`);
    return found;
  };

  return {
    sandboxes,
    snapshots,
    transitions,
    snapshot,

    sandbox(idOrName) {
      const found =
        sandboxes.get(idOrName) ?? [...sandboxes.values()].find(({ dto }) => dto.name === idOrName);
      if (found === undefined) throw new ApiRefusal(404, `Sandbox with ID or name ${idOrName} not found`);
      return found;
    },

    async create(asked, toolboxProxyUrl) {
      const id = randomUUID();
      const name = typeof asked.name === 'string' ? asked.name : id;
      if ([...sandboxes.values()].some(({ dto }) => dto.name === name))
        throw new ApiRefusal(409, `Sandbox with name ${name} already exists`);
      const image = imageOf(asked);
      const from =
        typeof asked.snapshot === 'string' ? snapshotOrImage(snapshots, asked.snapshot) : undefined;
      const at = now().toISOString();
      const number = (value: unknown, otherwise: number): number =>
        typeof value === 'number' ? value : otherwise;
      const onEnd = (): void => {
        if (record.dto.state === 'started') record.dto.state = 'stopped';
      };
      const machine = createMachine(newFolder(), { from, tools: IMAGES[image ?? ''] ?? ALL_TOOLS, onEnd });
      // Known from here on, so that of two at once only one is made.
      const record: SandboxRecord = {
        machine: lazily(machine),
        previewToken: newToken(),
        dto: {
          id,
          organizationId: 'organization',
          name,
          snapshot: typeof asked.snapshot === 'string' ? asked.snapshot : (image ?? 'daytona-small'),
          user: 'daytona',
          env: {},
          labels: (asked.labels ?? {}) as Record<string, string>,
          public: asked.public === true,
          networkBlockAll: asked.networkBlockAll === true,
          ...(typeof asked.networkAllowList === 'string' ? { networkAllowList: asked.networkAllowList } : {}),
          ...(typeof asked.domainAllowList === 'string' ? { domainAllowList: asked.domainAllowList } : {}),
          target: typeof asked.target === 'string' ? asked.target : 'us',
          cpu: number(asked.cpu, 1),
          gpu: 0,
          memory: number(asked.memory, 1),
          disk: number(asked.disk, 3),
          state: 'creating',
          desiredState: 'started',
          autoStopInterval: number(asked.autoStopInterval, 15),
          autoArchiveInterval: number(asked.autoArchiveInterval, 10_080),
          autoDeleteInterval: number(asked.autoDeleteInterval, -1),
          createdAt: at,
          updatedAt: at,
          lastActivityAt: at,
          sandboxClass: 'container',
          toolboxProxyUrl,
        },
      };
      sandboxes.set(id, record);
      await transitions.pass(
        record,
        'create',
        image === undefined ? 'creating' : 'pending_build',
        async () => {
          if (image === 'broken') {
            record.dto.errorReason = 'failed to build: no such image';
            return 'build_failed';
          }
          await record.machine.start();
          return 'started';
        },
      );
      return record;
    },

    async takeSnapshot(record, name) {
      if ([...snapshots.values()].some(({ dto }) => dto.name === name))
        throw new ApiRefusal(409, `Snapshot with name ${name} already exists`);
      const before = record.dto.state;
      await transitions.pass(record, 'snapshot', 'snapshotting', async () => {
        const folder = newFolder();
        await record.machine.copyTo(folder);
        const id = randomUUID();
        snapshots.set(id, { folder, dto: snapshotDto(id, name, record.dto.id, now()) });
        return before ?? 'unknown';
      });
    },

    async end() {
      await transitions.settled();
      for (const { machine } of sandboxes.values()) await machine.remove();
      await rm(root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function snapshotDto(id: string, name: string, sourceSandboxId: string, at: Date): SnapshotRecord['dto'] {
  return {
    id,
    organizationId: 'organization',
    general: false,
    name,
    state: 'active',
    size: 1,
    entrypoint: null,
    cpu: 1,
    gpu: 0,
    mem: 1,
    disk: 3,
    errorReason: null,
    createdAt: at,
    updatedAt: at,
    lastUsedAt: null,
    sourceSandboxId,
    sandboxClass: 'container',
  };
}

/** The name in the Dockerfile that the SDK makes of an image. */
function imageOf(asked: Record<string, unknown>): string | undefined {
  const { buildInfo } = asked;
  const text =
    typeof buildInfo === 'object' && buildInfo !== null
      ? Reflect.get(buildInfo, 'dockerfileContent')
      : undefined;
  return typeof text === 'string' ? /^FROM ([^\s:]+)/.exec(text)?.[1] : undefined;
}

/** The files of a snapshot of ours; the vendor's own begin empty. */
function snapshotOrImage(snapshots: Map<string, SnapshotRecord>, name: string): string | undefined {
  const found = [...snapshots.values()].find(({ dto }) => dto.name === name || dto.id === name);
  if (found === undefined && name.startsWith('handoff-'))
    throw new ApiRefusal(404, `Snapshot ${name} not found`);
  return found?.folder;
}

type Machine = SandboxRecord['machine'];

function lazily(making: Promise<Machine>): Machine {
  making.catch(() => {});
  let made: Machine | undefined;
  void making.then((machine) => {
    made = machine;
  });
  return {
    get socket() {
      return made?.socket ?? '';
    },
    start: async () => (await making).start(),
    stop: async () => (await making).stop(),
    copyTo: async (folder) => (await making).copyTo(folder),
    remove: async () => (await making).remove(),
  };
}
