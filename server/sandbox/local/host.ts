import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SandboxError } from '../sandbox.ts';
import type { FilterArch } from './seccomp.ts';
import { findTool, isOpenToAll } from './tools.ts';

const run = promisify(execFile);

/** Programs that sandboxes are built of. */
const TOOLS = {
  bwrap: 'bubblewrap',
  rg: 'ripgrep',
  prlimit: 'util-linux',
  flock: 'util-linux',
} as const;
/** What root needs besides, to give up its rights. */
const ROOT_TOOLS = { setpriv: 'util-linux', unshare: 'util-linux', sh: 'dash', mount: 'mount' } as const;

/** `--perms` and `--size` came with 0.5.0 and 0.6.0. */
const OLDEST_BWRAP = [0, 6] as const;
const DISABLE_USERNS_SINCE = [0, 8] as const;

/** What this machine has for making sandboxes. */
export interface Host {
  arch: FilterArch;
  bwrap: string;
  prlimit: string;
  flock: string;
  canDisableUserns: boolean;
  /** Set where the relay is root. */
  root: { setpriv: string; unshare: string; sh: string; mount: string } | undefined;
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
      nextAction: 'Run the relay on a Linux machine, or in a Linux container that allows user namespaces.',
    });
  }
  if (facts.arch !== 'x64' && facts.arch !== 'arm64') {
    throw new SandboxError('unavailable', `Local sandboxes have no system call filter for ${facts.arch}.`, {
      nextAction: 'Run the relay on a Linux machine with an x64 or arm64 processor.',
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
    root:
      facts.uid === 0
        ? { setpriv: path('setpriv'), unshare: path('unshare'), sh: path('sh'), mount: path('mount') }
        : undefined,
  };
}

/** Whether "bubblewrap 0.8.0" is at least major.minor. */
function isSince(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, has = 0, hasMinor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return has > major || (has === major && hasMinor >= minor);
}

/**
 * Wraps a command so that it runs without root's rights, as `user`, and still reaches `sandboxes` wherever that is: where
 * the user cannot pass (below /root, for example), it is mounted on `mountPoint`, visible to this command only.
 * @returns the command, and where `sandboxes` is for it
 */
export function withoutRoot(
  host: Host,
  user: { uid: number; gid: number },
  where: { sandboxes: string; mountPoint: string },
): { view: string; wrap: (command: string[]) => string[] } {
  const { root } = host;
  if (root === undefined) return { view: where.sandboxes, wrap: (command) => command };
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'];
  if (isOpenToAll(where.sandboxes, 0o001)) {
    return { view: where.sandboxes, wrap: (command) => [root.setpriv, ...ids, ...command] };
  }
  const script = '"$1" --bind -- "$2" "$3" && shift 3 && exec "$@"';
  const mounting = [root.unshare, '--mount', '--', root.sh, '-c', script, 'sh', root.mount];
  return {
    view: where.mountPoint,
    wrap: (command) => [...mounting, where.sandboxes, where.mountPoint, root.setpriv, ...ids, ...command],
  };
}
