import { createHash } from 'node:crypto';
import type {
  CreateSandboxFromImageParams,
  CreateSandboxFromSnapshotParams,
  Sandbox as Machine,
} from '@daytonaio/sdk';
import { isDomainPattern } from '../network.ts';
import { type NetworkPolicy, SandboxError, type SandboxResources, type SandboxSpec } from '../sandbox.ts';

/** The labels by which machines are found again. */
export const TASK_LABEL = 'handoff.task';
export const OWNER_LABEL = 'handoff.owner';

/** As many domains as the vendor takes for one machine. */
const MAX_DOMAINS = 20;
/** Minutes: the vendor stops a machine that everybody forgot, this long after the relay would have. */
const AUTO_STOP_MARGIN = 10;
/** Minutes until the vendor moves a stopped machine to slow storage: its own default, seven days. */
const AUTO_ARCHIVE = 7 * 24 * 60;
/** Never: only whoever owns the task removes its machine. */
const AUTO_DELETE = -1;
const MIB_IN_GIB = 1024;

export interface Choices {
  /** Whose machines these are: relays that share tasks have the same. */
  owner: string;
  /** Absent: the vendor's own choice. */
  image: string | undefined;
  /** The vendor's name of a snapshot; goes before `image`. */
  snapshot: string | undefined;
  /** Milliseconds after which the relay hibernates a machine that is idle. */
  idleMs: number;
}

export type Terms = CreateSandboxFromImageParams | CreateSandboxFromSnapshotParams;

/**
 * What the vendor is asked for.
 * @throws SandboxError `unavailable` for what it cannot enforce, `failed` for what nobody could
 */
export function termsOf(spec: SandboxSpec, choices: Choices): Terms {
  const { owner, idleMs } = choices;
  const terms = {
    name: nameOf(owner, spec.taskId),
    language: 'javascript',
    labels: { [TASK_LABEL]: spec.taskId, [OWNER_LABEL]: owner },
    public: false,
    autoStopInterval: Math.ceil(idleMs / 60_000) + AUTO_STOP_MARGIN,
    autoArchiveInterval: AUTO_ARCHIVE,
    autoDeleteInterval: AUTO_DELETE,
    ...networkTerms(spec.network ?? { mode: 'none' }),
  };
  if (spec.from !== undefined) {
    if (spec.from.provider !== 'daytona')
      throw new SandboxError('not-found', 'That snapshot is not one of Daytona.');
    return { ...terms, snapshot: spec.from.id };
  }
  if (spec.image === undefined && choices.snapshot !== undefined)
    return { ...terms, snapshot: choices.snapshot };
  const image = spec.image ?? choices.image;
  if (image === undefined) return terms;
  return { ...terms, image: checkedImage(image), resources: resourceTerms(spec.resources ?? {}) };
}

/** One name for a task, so that a second attempt meets the machine of the first. */
export function nameOf(owner: string, taskId: string): string {
  const readable = taskId.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 24);
  return `handoff-${digest(owner, 8)}-${readable}-${digest(taskId, 12)}`;
}

/** Snapshots have names of their own among all of the organization's. @throws SandboxError `failed` */
export function snapshotNameOf(owner: string, name: string): string {
  if (/^[a-z0-9-]{1,100}$/.test(name)) return `handoff-${digest(owner, 8)}-${name}`;
  throw new SandboxError('failed', 'The name of a snapshot is 1 to 100 of a to z, 0 to 9 and -.');
}

function networkTerms(policy: NetworkPolicy): { networkBlockAll: boolean; domainAllowList?: string } {
  if (policy.mode !== 'open' && policy.forwards !== undefined && policy.forwards.length > 0) {
    throw new SandboxError(
      'unavailable',
      'A sandbox at Daytona is not on this machine and has no way back to servers beside the relay, such as databases of tasks.',
      {
        nextAction:
          'Use HANDOFF_SANDBOX=local or container, or let the repository start what it needs in its sandbox.',
      },
    );
  }
  if (policy.mode === 'open') return { networkBlockAll: false };
  if (policy.mode === 'none' || policy.domains.length === 0) return { networkBlockAll: true };
  if (policy.domains.length > MAX_DOMAINS) {
    throw new SandboxError(
      'unavailable',
      `Daytona takes at most ${MAX_DOMAINS} domains for a sandbox, and ${policy.domains.length} are asked for.`,
      { nextAction: 'Join some as *.example.com, or ask for fewer (HANDOFF_NETWORK).' },
    );
  }
  const wrong = policy.domains.find((domain) => !isDomainPattern(domain));
  if (wrong !== undefined) throw new SandboxError('failed', `${JSON.stringify(wrong)} is no domain.`);
  return { networkBlockAll: false, domainAllowList: policy.domains.join(',') };
}

/** Whole cores and GiB, which is all that the vendor knows: never more than asked for, but at least one. */
function resourceTerms({ cpus, memoryMiB, diskMiB }: SandboxResources): {
  cpu?: number;
  memory?: number;
  disk?: number;
} {
  const whole = (amount: number): number => Math.max(1, Math.floor(amount));
  return {
    ...(cpus === undefined ? {} : { cpu: whole(cpus) }),
    ...(memoryMiB === undefined ? {} : { memory: whole(memoryMiB / MIB_IN_GIB) }),
    ...(diskMiB === undefined ? {} : { disk: whole(diskMiB / MIB_IN_GIB) }),
  };
}

/** It becomes a line of a Dockerfile. */
function checkedImage(image: string): string {
  if (/^[\w][\w./:@-]*$/.test(image)) return image;
  throw new SandboxError('failed', `${JSON.stringify(image.slice(0, 100))} is no name of an image.`, {
    nextAction: 'Name one as in `docker pull`, for example HANDOFF_IMAGE=node:24-bookworm.',
  });
}

/** The network that a machine really has, as the vendor tells it. */
export function networkOf(
  machine: Pick<Machine, 'networkBlockAll' | 'networkAllowList' | 'domainAllowList'>,
): NetworkPolicy['mode'] {
  if (machine.networkBlockAll === true) return 'none';
  return machine.domainAllowList || machine.networkAllowList ? 'allow-list' : 'open';
}

/**
 * Makes sure that a machine can reach no more than it was asked for: an organization's settings outrank those of a sandbox.
 * @throws SandboxError `unavailable`
 */
export function checkNetwork(
  terms: { networkBlockAll?: boolean; domainAllowList?: string },
  machine: Pick<Machine, 'networkBlockAll' | 'networkAllowList' | 'domainAllowList'>,
): void {
  const given = networkOf(machine);
  if (given === 'none') return;
  const allowed = new Set((terms.domainAllowList ?? '').split(',').filter(Boolean));
  if (!terms.networkBlockAll && allowed.size === 0) return;
  const more = (machine.domainAllowList ?? '')
    .split(',')
    .map((domain) => domain.trim())
    .filter((domain) => !allowed.has(domain));
  if (given === 'allow-list' && !machine.networkAllowList && more.length === 0) return;
  throw new SandboxError(
    'unavailable',
    'Daytona gave the sandbox more of the network than was asked for, so it is not used.',
    {
      nextAction: 'See the network limits of your organization at Daytona, or allow more (HANDOFF_NETWORK).',
    },
  );
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
