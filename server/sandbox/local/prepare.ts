import fs from 'node:fs';
import { release } from 'node:os';
import type { SandboxRef } from '../sandbox.ts';
import { ANSWER_PATIENCE } from '../supervised/connection.ts';
import { type BwrapPlan, bwrapCommand, processLimit } from './bwrap.ts';
import type { CgroupPlaces } from './cgroup.ts';
import type { EgressHost } from './egress/client.ts';
import { examineHost, type Host, thisHost } from './host.ts';
import { installRuntime } from './install.ts';
import { type Layout, layoutOf, type RuntimeDirs, runtimeDirs } from './layout.ts';
import { type Overlay, withMounts, withoutRoot } from './mounts.ts';
import { checkedToolchains, reachable } from './toolchains.ts';
import { isOpenToAll } from './tools.ts';
import { type HostUser, hostUser } from './user.ts';

export interface LocalOptions {
  /** The relay's data folder; sandboxes live in `sandboxes` below it. Made where it is missing. */
  dataDir: string;
  /** The bundle of `supervisor/main.ts`. */
  supervisorPath: string;
  /** The bundle of `egress/main.ts`. Default: `egress.mjs` beside the supervisor's. */
  egressPath?: string;
  /** The Node that runs it, and that sandboxes have as `node` where the machine has none. Default: the relay's. */
  nodePath?: string;
  /** Milliseconds after which a supervisor that says nothing counts as failed. Default: `ANSWER_PATIENCE`. */
  answerPatience?: number;
  /**
   * Folders of toolchains that sandboxes see, at the same paths and to read, with their `bin` first on PATH: for compilers that are
   * not in /usr (nvm, pyenv, rustup). See `checkedToolchains` for what is refused.
   */
  readOnly?: string[];
  /** False: snapshots are copies, also where the kernel lays folders upon each other. */
  overlays?: boolean;
  /** Told when a sandbox was stopped for going past a limit, beside the next call on it, which fails. */
  onLimit?: (ref: SandboxRef, message: string) => void;
  /** Milliseconds between two looks at what sandboxes use; looking takes at most a fiftieth of the time. Default: 1000 and 10,000. */
  watchPace?: { memory: number; disk: number };
  /** Where control groups are made. Default: where this process is. */
  cgroups?: CgroupPlaces;
}

/** Everything that starting a sandbox takes. */
export interface Workshop {
  host: Host;
  user: HostUser;
  layout: Layout;
  dirs: RuntimeDirs;
  seccomp: string;
  answerPatience: number;
  /** What connects sandboxes to the network is started with. */
  egress: EgressHost;
  /**
   * The command that runs another one in a new sandbox, with these host folders in it, after `overlay` was mounted; it dies with
   * whoever starts it.
   */
  command(inside: string[], folders: BwrapPlan['folders'], overlay?: Overlay): string[];
}

/**
 * Makes ready, as often as it is called: what a cleaner of /tmp took away is there again.
 * @throws SandboxError `unavailable`
 */
export async function prepare(options: LocalOptions): Promise<Workshop> {
  const host = await examineHost(thisHost());
  fs.mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const layout = layoutOf(fs.realpathSync(options.dataDir));
  // Others may pass, for the sandbox' user has to; they cannot list.
  const { sandboxes, runtime: started, layers, trash } = layout;
  for (const folder of [sandboxes, started, layers, trash]) makeFolder(folder, 0o711);
  makeFolder(layout.snapshots, 0o700);
  const user = hostUser(layout, process.getuid?.() ?? -1, process.getgid?.() ?? -1);
  const dirs = runtimeDirs(options.dataDir, process.getuid?.() ?? -1);
  const { nodePath = process.execPath, supervisorPath } = options;
  const runtime = installRuntime(layout, { arch: host.arch, nodePath, supervisorPath, user });
  const toolchains = reachable(checkedToolchains(options), user, dirs.toolchains);
  // What its user cannot pass to (below /root, for example) is mounted where they can, visible to the sandbox' start only.
  const isHidden = user.dropped && !isOpenToAll(layout.sandboxes, 0o001);
  const view = isHidden ? dirs.mountPoint : layout.sandboxes;
  const hidden = isHidden ? [{ from: layout.sandboxes, to: view }] : [];
  const binds = [...hidden, ...toolchains.binds];
  const seen = (path: string): string =>
    path.startsWith(`${layout.sandboxes}/`) ? view + path.slice(layout.sandboxes.length) : path;
  const seenRuntime = {
    ...runtime,
    node: seen(runtime.node),
    supervisor: seen(runtime.supervisor),
    etc: Object.fromEntries(Object.entries(runtime.etc).map(([name, path]) => [name, seen(path)])),
  };
  return {
    host,
    user,
    layout,
    dirs,
    seccomp: runtime.seccomp,
    answerPatience: options.answerPatience ?? ANSWER_PATIENCE,
    egress: {
      sandboxes: layout.sandboxes,
      user,
      node: seenRuntime.node,
      flock: host.flock,
      seen,
      asUser: (command) => withMounts(host, { binds: hidden }, withoutRoot(host, user, command)),
    },
    command: (inside, folders, overlay) => {
      const sandbox = bwrapCommand({
        bwrap: host.bwrap,
        prlimit: host.prlimit,
        runtime: seenRuntime,
        folders: folders.map((folder) => ({ ...folder, from: seen(folder.from) })),
        toolchains: toolchains.shown,
        canDisableUserns: host.canDisableUserns,
        maxProcesses: processLimit(release()),
        command: inside,
      });
      const layers = overlay && { ...overlay, from: view };
      return withMounts(host, { binds, overlay: layers }, withoutRoot(host, user, sandbox));
    },
  };
}

function makeFolder(path: string, mode: number): void {
  fs.mkdirSync(path, { recursive: true });
  if ((fs.statSync(path).mode & 0o777) !== mode) fs.chmodSync(path, mode);
}
