import fs from 'node:fs';
import { INSIDE } from '../supervised/places.ts';
import type { Runtime } from './install.ts';
import type { Bind } from './mounts.ts';

/** Bytes that a sandbox may keep in memory-backed folders, which nothing else would limit. */
const TMP_BYTES = 1 << 30;
const SHM_BYTES = 256 << 20;
/** The largest file, in bytes. */
const MAX_FILE_BYTES = 8 * 2 ** 30;
const MAX_OPEN_FILES = 16_384;

/** What of the host's /etc a toolchain reads, none of it secret. */
const ETC_SHARED = [
  ...[
    'alternatives',
    'ld.so.cache',
    'ld.so.conf',
    'ld.so.conf.d',
    'localtime',
    'services',
    'protocols',
    'mime.types',
  ],
  ...[
    'ssl/certs',
    'ssl/openssl.cnf',
    'pki/tls/certs',
    'pki/tls/openssl.cnf',
    'pki/ca-trust/extracted',
    'ca-certificates',
  ],
  ...['perl', 'python3', 'magic', 'java', 'crypto-policies'],
];
/** Configuration of packaged JDKs, without which they do not start. */
const ETC_SHARED_PATTERN = /^(java-\d+-openjdk|python3\.\d+)$/;

/** What /proc tells of the person's keyrings, which no namespace hides. */
const PROC_HIDDEN = ['/proc/keys', '/proc/key-users'];

/** Descriptors that bwrap inherits. */
export const SECCOMP_FD = 4;
export const INFO_FD = 5;

/** What differs between sandboxes, and between hosts. */
export interface BwrapPlan {
  bwrap: string;
  prlimit: string;
  runtime: Runtime;
  /** Host folder by place inside; writable, if not said otherwise. */
  folders: Array<Bind & { readOnly?: true }>;
  /** The same for folders that the relay's owner shows to all sandboxes, to read. */
  toolchains: Bind[];
  /** Whether this bwrap knows `--disable-userns` (0.8.0 and later). */
  canDisableUserns: boolean;
  maxProcesses: number;
  /** What to run in it. */
  command: string[];
}

/** The whole command line that starts a sandbox. Nothing of the host is visible in it but what is named here. */
export function bwrapCommand(plan: BwrapPlan): string[] {
  const { runtime } = plan;
  return [
    plan.bwrap,
    ...[
      '--unshare-all',
      '--unshare-user',
      '--unshare-cgroup-try',
      '--new-session',
      '--die-with-parent',
      '--cap-drop',
      'ALL',
    ],
    ...(plan.canDisableUserns ? ['--disable-userns'] : []),
    ...['--uid', '1000', '--gid', '1000', '--hostname', 'sandbox'],
    ...['--clearenv', '--setenv', 'PATH', INSIDE.path, '--setenv', 'HOME', INSIDE.home],
    ...['--ro-bind', '/usr', '/usr', ...topLevel()],
    ...Object.entries(runtime.etc).flatMap(([name, from]) => ['--ro-bind', from, `/etc/${name}`]),
    ...[...ETC_SHARED, ...matchingEtc()].flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    ...['--ro-bind', runtime.node, INSIDE.node, '--ro-bind', runtime.supervisor, INSIDE.supervisor],
    ...['--proc', '/proc', '--dev', '/dev', ...tmpfs('/dev/shm', SHM_BYTES), '--remount-ro', '/dev'],
    ...PROC_HIDDEN.filter((path) => fs.existsSync(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...[...tmpfs('/tmp', TMP_BYTES), '--dir', '/var', '--symlink', '/tmp', '/var/tmp', '--dir', '/run'],
    ...plan.toolchains.flatMap(({ from, to }) => ['--ro-bind', from, to]),
    ...plan.folders.flatMap(({ from, to, readOnly }) => [readOnly ? '--ro-bind' : '--bind', from, to]),
    // Last, so that nothing can be written but to the folders above, and to bounded memory.
    ...['--remount-ro', '/', '--chdir', plan.folders.length > 0 ? INSIDE.workspace : '/tmp'],
    ...['--seccomp', String(SECCOMP_FD), '--info-fd', String(INFO_FD), '--'],
    // Inside, because there only the sandbox' own processes count.
    plan.prlimit,
    ...[
      `--nproc=${plan.maxProcesses}`,
      `--nofile=${MAX_OPEN_FILES}`,
      `--fsize=${MAX_FILE_BYTES}`,
      '--core=0',
      '--',
    ],
    ...plan.command,
  ];
}

/**
 * How many processes and threads a sandbox may have. Kernels before 5.14 count all those of the same user on the whole
 * machine, so there the limit has to leave room for the person's own.
 * @param release as `os.release()` gives it
 */
export function processLimit(release: string): number {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14) ? 1_024 : 8_192;
}

function tmpfs(path: string, bytes: number): string[] {
  return ['--perms', '1777', '--size', String(bytes), '--tmpfs', path];
}

/** /bin and its like: symbolic links into /usr on most systems, real folders on others. */
function topLevel(): string[] {
  return ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => {
    const stat = fs.lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    if (stat.isSymbolicLink()) return ['--symlink', fs.readlinkSync(`/${name}`), `/${name}`];
    return ['--ro-bind', `/${name}`, `/${name}`];
  });
}

function matchingEtc(): string[] {
  return fs.readdirSync('/etc').filter((name) => ETC_SHARED_PATTERN.test(name));
}
