import { SandboxError } from '../sandbox.ts';
import type { Host } from './host.ts';
import type { HostUser } from './user.ts';

/** Layers that become one folder. */
export interface Overlay {
  /** Of mount(8). Paths in it begin at `Layout.sandboxes`, so that no comma or colon of the host's means something there. */
  options: string;
  /** Where it is mounted, likewise. */
  at: string;
}
/** A host folder that is made visible at another place as well. */
export interface Bind {
  from: string;
  to: string;
}

/**
 * Mounts what its arguments say up to `--`, and becomes the command after it. Newer versions of mount use calls of the kernel that
 * limit an option to 256 bytes, unless told otherwise.
 */
const MOUNTING = `
mount=$1
shift
while [ "$1" != -- ]; do
  case $1 in
  bind)
    "$mount" --bind -- "$2" "$3" || exit
    shift 3
    ;;
  overlay)
    cd -- "$2" && LIBMOUNT_FORCE_MOUNT2=always "$mount" -t overlay -o "$3" overlay "$4" && cd / || exit
    shift 4
    ;;
  esac
done
shift
exec "$@"
`;

/**
 * The command that runs `command` with more mounts, which only it can see and which end with it. Who is not root mounts as the
 * root of a user namespace of their own, where all files but their own belong to nobody.
 */
export function withMounts(
  host: Host,
  { binds = [], overlay }: { binds?: readonly Bind[]; overlay?: (Overlay & { from: string }) | undefined },
  command: string[],
): string[] {
  if (binds.length === 0 && overlay === undefined) return command;
  const { mounting } = host;
  if (mounting === undefined) {
    throw new SandboxError('unavailable', 'This sandbox needs unshare and mount to be started.', {
      nextAction: 'sudo apt-get install -y util-linux mount',
    });
  }
  const own = host.setpriv === undefined ? ['--user', '--map-root-user', '--mount'] : ['--mount'];
  return [
    ...[mounting.unshare, ...own, '--', mounting.sh, '-c', MOUNTING, 'sh', mounting.mount],
    ...binds.flatMap(({ from, to }) => ['bind', from, to]),
    ...(overlay === undefined ? [] : ['overlay', overlay.from, overlay.options, overlay.at]),
    ...['--', ...command],
  ];
}

/** The command without root's rights, as `user`. */
export function withoutRoot(host: Host, user: Pick<HostUser, 'uid' | 'gid'>, command: string[]): string[] {
  if (host.setpriv === undefined) return command;
  return [host.setpriv, `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--', ...command];
}
