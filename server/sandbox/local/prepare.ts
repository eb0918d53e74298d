import fs from 'node:fs';
import { release } from 'node:os';
import { ANSWER_PATIENCE } from '../supervised/connection.ts';
import { type BwrapPlan, bwrapCommand, processLimit } from './bwrap.ts';
import { examineHost, type Host, thisHost, withoutRoot } from './host.ts';
import { installRuntime } from './install.ts';
import { type Layout, layoutOf, type RuntimeDirs, runtimeDirs } from './layout.ts';
import { type HostUser, hostUser } from './user.ts';

export interface LocalOptions {
  /** The relay's data folder; sandboxes live in `sandboxes` below it. Made where it is missing. */
  dataDir: string;
  /** The bundle of `supervisor/main.ts`. */
  supervisorPath: string;
  /** The Node that runs it, and that sandboxes have as `node` where the machine has none. Default: the relay's. */
  nodePath?: string;
  /** Milliseconds after which a supervisor that says nothing counts as failed. Default: `ANSWER_PATIENCE`. */
  answerPatience?: number;
}

/** Everything that starting a sandbox takes. */
export interface Workshop {
  host: Host;
  user: HostUser;
  layout: Layout;
  dirs: RuntimeDirs;
  seccomp: string;
  answerPatience: number;
  /** The command that runs another one in a new sandbox, with these host folders in it; it dies with whoever starts it. */
  command(inside: string[], folders: BwrapPlan['folders']): string[];
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
  for (const folder of [layout.sandboxes, layout.runtime]) makeFolder(folder, 0o711);
  makeFolder(layout.trash, 0o700);
  const user = hostUser(layout, process.getuid?.() ?? -1, process.getgid?.() ?? -1);
  const dirs = runtimeDirs(options.dataDir, process.getuid?.() ?? -1);
  const { nodePath = process.execPath, supervisorPath } = options;
  const runtime = installRuntime(layout, { arch: host.arch, nodePath, supervisorPath, user });
  const { view, wrap } = withoutRoot(host, user, {
    sandboxes: layout.sandboxes,
    mountPoint: dirs.mountPoint,
  });
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
    command: (inside, folders) =>
      wrap(
        bwrapCommand({
          bwrap: host.bwrap,
          prlimit: host.prlimit,
          runtime: seenRuntime,
          folders: folders.map(({ from, to }) => ({ from: seen(from), to })),
          canDisableUserns: host.canDisableUserns,
          maxProcesses: processLimit(release()),
          command: inside,
        }),
      ),
  };
}

function makeFolder(path: string, mode: number): void {
  fs.mkdirSync(path, { recursive: true });
  if ((fs.statSync(path).mode & 0o777) !== mode) fs.chmodSync(path, mode);
}
