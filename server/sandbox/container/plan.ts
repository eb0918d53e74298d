import { type NetworkPolicy, SandboxError, type SandboxResources } from '../sandbox.ts';
import { PLACES, PROGRAMS, RUNTIME, SNAPSHOT, USER, VOLUME } from './places.ts';

/** Has Node and Git. Pinned to a line that goes on getting security fixes. */
export const DEFAULT_IMAGE = 'docker.io/library/node:24-bookworm';

/** MiB, as local sandboxes have it. */
const DEFAULT_MEMORY = 4_096;
/** The most MiB that /tmp takes, out of the memory: as that of local sandboxes. */
const MAX_TMP = 1_024;
/** Processes of one container, its threads among them. */
const MAX_PROCESSES = 2_048;
/** The kernel, short of memory, kills a sandbox's processes before the relay's and the person's (-1000 to 1000). */
const OOM_SCORE = 700;
/** Engines hand the person's proxies on to containers, passwords included, unless they are told otherwise. */
const PROXIES = ['http', 'https', 'ftp', 'all', 'no'].flatMap((one) => [
  `${one}_proxy`,
  `${one}_proxy`.toUpperCase(),
]);

export interface MachinePlan {
  name: string;
  taskId: string;
  /** By which the relay finds its own again. */
  relay: string;
  image: string;
  resources: SandboxResources & { memoryMiB: number };
  network: NetworkPolicy | undefined;
  /** The folder on the host which is `RUNTIME` inside. */
  runtime: string;
  /** Absolute, or looked up in the image's path. */
  node: string;
}

export const LABELS = { task: 'handoff.task', relay: 'handoff.relay', kind: 'handoff.kind' } as const;

/**
 * Half of a small machine is left to the person. An engine in a machine of its own may have less, and then gives that.
 * @param total MiB that this machine has
 */
export function defaultMemory(total: number): number {
  return Math.min(DEFAULT_MEMORY, Math.floor(total / 2));
}

/** Makes a container that was never started; the engine answers its id. */
export function createMachine(plan: MachinePlan): string[] {
  const { resources } = plan;
  const memory = `${resources.memoryMiB}m`;
  return [
    'create',
    ...identity(plan.name, 'machine', plan.relay, plan.taskId),
    ...CONFINED,
    ...['--init', '--hostname=sandbox', `--oom-score-adj=${OOM_SCORE}`, `--pids-limit=${MAX_PROCESSES}`],
    // As much with swap as without it: none.
    ...[`--memory=${memory}`, `--memory-swap=${memory}`],
    ...(resources.cpus === undefined ? [] : [`--cpus=${resources.cpus}`]),
    ...networkFlags(plan.network),
    `--user=${USER.uid}:${USER.gid}`,
    `--mount=type=volume,destination=${VOLUME}`,
    `--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size=${Math.min(MAX_TMP, Math.floor(resources.memoryMiB / 2))}m`,
    // "z" lets it be read where SELinux would not; without SELinux it says nothing.
    `--volume=${bindable(plan.runtime)}:${RUNTIME}:ro,z`,
    ...PROXIES.map((name) => `--env=${name}=`),
    `--workdir=${VOLUME}`,
    `--entrypoint=${plan.node}`,
    checkedImage(plan.image),
    PROGRAMS.supervisor,
  ];
}

/** Makes what holds a snapshot's volume; it is never started. */
export function createSnapshot(plan: Pick<MachinePlan, 'name' | 'relay' | 'image'>): string[] {
  return [
    'create',
    ...identity(plan.name, 'snapshot', plan.relay, ''),
    ...CONFINED,
    '--network=none',
    `--mount=type=volume,destination=${SNAPSHOT}`,
    '--entrypoint=true',
    checkedImage(plan.image),
  ];
}

/** Gives a new machine its folders. */
export function layOut(machine: string, image: string): string[] {
  const owner = ['-d', '-m', '0700', '-o', String(USER.uid), '-g', String(USER.gid)];
  return helper('install', [machine], image, [...owner, ...Object.values(PLACES)]);
}

/** Copies what a machine was given and made: its workspace and its home, not the records of its commands. */
export function copyToSnapshot(machine: string, snapshot: string, image: string): string[] {
  const folders = [PLACES.workspace, PLACES.home];
  return helper('cp', [`${machine}:ro`, snapshot], image, ['-a', ...folders, SNAPSHOT]);
}

export function copyFromSnapshot(snapshot: string, machine: string, image: string): string[] {
  const folders = [PLACES.workspace, PLACES.home].map((path) => path.replace(VOLUME, SNAPSHOT));
  return helper('cp', [`${snapshot}:ro`, machine], image, ['-a', ...folders, VOLUME]);
}

const CONFINED = ['--pull=never', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--read-only'];

/**
 * A program of the image, run by root on other containers' volumes: on files that it does not own, so with the rights for that and no
 * other. Nothing of the machine runs in it. With `--rm` engines remove volumes that no other container has.
 */
function helper(program: string, volumesFrom: string[], image: string, args: string[]): string[] {
  return [
    'run',
    '--rm',
    ...CONFINED,
    ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER'].map((capability) => `--cap-add=${capability}`),
    '--network=none',
    '--user=0:0',
    ...volumesFrom.map((container) => `--volumes-from=${container}`),
    `--entrypoint=${program}`,
    checkedImage(image),
    ...args,
  ];
}

function identity(name: string, kind: 'machine' | 'snapshot', relay: string, taskId: string): string[] {
  const labels = { [LABELS.kind]: kind, [LABELS.relay]: relay, [LABELS.task]: taskId };
  return [`--name=${name}`, ...Object.entries(labels).map(([label, value]) => `--label=${label}=${value}`)];
}

/** @throws SandboxError `unavailable` for what this adapter cannot enforce */
function networkFlags(network: NetworkPolicy = { mode: 'none' }): string[] {
  if (network.mode === 'open') return [];
  if (network.mode === 'none' && (network.forwards ?? []).length === 0) return ['--network=none'];
  const what = network.mode === 'allow-list' ? 'a list of domains' : 'a way to a server of the relay';
  throw new SandboxError(
    'unavailable',
    `Container sandboxes cannot be held to ${what}: they have no network, or all of it.`,
    {
      nextAction:
        'Set HANDOFF_NETWORK=none or HANDOFF_NETWORK=open, or use HANDOFF_SANDBOX=local or daytona.',
    },
  );
}

/** What could be taken for an option never gets onto a command line. @throws SandboxError `unavailable` */
export function checkedImage(image: string): string {
  if (/^[a-z0-9][\w.:/@-]{0,254}$/i.test(image)) return image;
  throw new SandboxError('unavailable', `${JSON.stringify(image)} is not the name of an image.`, {
    nextAction: `Name one as in HANDOFF_IMAGE=${DEFAULT_IMAGE}.`,
  });
}

/** A host's folder for `--volume`, in which a colon separates; that of a Windows drive does not count. */
function bindable(path: string): string {
  if (!path.replace(/^[a-z]:/i, '').includes(':')) return path;
  throw new SandboxError('unavailable', `Containers cannot be given ${path}: it has a colon.`, {
    nextAction: 'Set HANDOFF_DATA to a folder without one.',
  });
}
