import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SandboxError } from '../sandbox.ts';
import type { FilterArch } from './seccomp.ts';
import { findTool } from './tools.ts';

const run = promisify(execFile);

/** Programs that sandboxes are built of. */
const TOOLS = {
  bwrap: 'bubblewrap',
  rg: 'ripgrep',
  prlimit: 'util-linux',
  flock: 'util-linux',
} as const;
/** What mounting takes. Root needs it, to let its successor reach what it could not; others do for layers, and can do without. */
const MOUNT_TOOLS = { unshare: 'util-linux', sh: 'dash', mount: 'mount' } as const;
/** What root needs besides, to give up its rights. */
const ROOT_TOOLS = { setpriv: 'util-linux', ...MOUNT_TOOLS } as const;

/** `--perms` and `--size` came with 0.5.0 and 0.6.0. */
const OLDEST_BWRAP = [0, 6] as const;
const DISABLE_USERNS_SINCE = [0, 8] as const;

/** The ways out where nothing on this machine isolates: nothing ever runs unprotected. */
const ELSEWHERE =
  'Set HANDOFF_SANDBOX=container with Docker or Podman on this machine, or HANDOFF_SANDBOX=daytona with a DAYTONA_API_KEY, or run the relay on Linux.';

/** What this machine has for making sandboxes. */
export interface Host {
  arch: FilterArch;
  bwrap: string;
  prlimit: string;
  flock: string;
  canDisableUserns: boolean;
  /** Set where the relay is root. */
  setpriv: string | undefined;
  mounting: { unshare: string; sh: string; mount: string } | undefined;
}

export interface HostFacts {
  platform: string;
  arch: string;
  uid: number;
  find(tool: string): string | undefined;
  /** The output of `bwrap --version`. */
  bwrapVersion(bwrap: string): Promise<string>;
}

export function thisHost(): HostFacts {
  return {
    platform: process.platform,
    arch: process.arch,
    uid: process.getuid?.() ?? -1,
    find: findTool,
    bwrapVersion: async (bwrap) => (await run(bwrap, ['--version'])).stdout,
  };
}

/** @throws SandboxError `unavailable`, with the command that mends it */
export async function examineHost(facts: HostFacts): Promise<Host> {
  if (facts.platform !== 'linux') {
    throw new SandboxError('unavailable', `Local sandboxes need Linux; this is ${facts.platform}.`, {
      nextAction: ELSEWHERE,
    });
  }
  if (facts.arch !== 'x64' && facts.arch !== 'arm64') {
    throw new SandboxError('unavailable', `Local sandboxes have no system call filter for ${facts.arch}.`, {
      nextAction: ELSEWHERE,
    });
  }
  const wanted: Record<string, string> = facts.uid === 0 ? { ...TOOLS, ...ROOT_TOOLS } : TOOLS;
  const missing = Object.keys(wanted).filter((tool) => facts.find(tool) === undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((tool) => wanted[tool]))].join(' ');
    throw new SandboxError('unavailable', `Local sandboxes need ${missing.join(', ')}.`, {
      nextAction: `sudo apt-get install -y ${packages}`,
    });
  }
  const path = (tool: string): string => facts.find(tool) ?? tool;
  const version = await facts.bwrapVersion(path('bwrap'));
  if (!isSince(version, OLDEST_BWRAP)) {
    throw new SandboxError('unavailable', `${version.trim()} is too old: 0.6.0 or newer is needed.`, {
      nextAction: 'Install a newer bubblewrap (Debian 12, Ubuntu 24.04 and Fedora have one).',
    });
  }
  return {
    arch: facts.arch,
    bwrap: path('bwrap'),
    prlimit: path('prlimit'),
    flock: path('flock'),
    canDisableUserns: isSince(version, DISABLE_USERNS_SINCE),
    setpriv: facts.uid === 0 ? path('setpriv') : undefined,
    mounting: Object.keys(MOUNT_TOOLS).every((tool) => facts.find(tool) !== undefined)
      ? { unshare: path('unshare'), sh: path('sh'), mount: path('mount') }
      : undefined,
  };
}

/** Whether "bubblewrap 0.8.0" is at least major.minor. */
function isSince(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, has = 0, hasMinor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return has > major || (has === major && hasMinor >= minor);
}
