import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import { SandboxError } from '../sandbox.ts';
import { onlyThese } from './inheritance.ts';
import { type LocalOptions, prepare, type Workshop } from './prepare.ts';
import { killGroup } from './process.ts';

/** Milliseconds; it takes about 20. */
const TRIAL_TIMEOUT = 10_000;

/** Has the kernel say how what runs it is confined. */
export const LOOKING = ['/usr/bin/cat', '/proc/self/status', '/proc/net/dev'];

/** Kernel settings that forbid what sandboxes are made of: the value that forbids it, and what to set instead. */
const SWITCHES = [
  { name: 'kernel.apparmor_restrict_unprivileged_userns', forbids: '1', allows: '0' },
  { name: 'kernel.unprivileged_userns_clone', forbids: '0', allows: '1' },
  { name: 'user.max_user_namespaces', forbids: '0', allows: '28633' },
  { name: 'user.max_pid_namespaces', forbids: '0', allows: '28633' },
  { name: 'user.max_net_namespaces', forbids: '0', allows: '28633' },
];

export type IsolationReport = { ok: true } | { ok: false; message: string; nextAction: string };

/** Whether sandboxes can be had on this machine, and if not, the command that mends it. */
export async function probeIsolation(options: LocalOptions): Promise<IsolationReport> {
  try {
    await verifyIsolation(await prepare(options));
    return { ok: true };
  } catch (error) {
    const known = error instanceof SandboxError ? error : undefined;
    return {
      ok: false,
      message:
        known?.message ??
        `Local sandboxes cannot be prepared: ${error instanceof Error ? error.message : error}`,
      nextAction: known?.nextAction ?? 'Check that the data folder (HANDOFF_DATA) can be written.',
    };
  }
}

/**
 * Starts a real, empty sandbox and has the kernel say how it is confined. Nothing runs in a sandbox before this passed.
 * @throws SandboxError `unavailable`
 */
export async function verifyIsolation(workshop: Workshop): Promise<void> {
  const { code, output, complaint } = await trial(workshop, workshop.command(LOOKING, []));
  if (code !== 0) {
    const said = complaint.trim().split('\n').at(-1) ?? '';
    throw new SandboxError(
      'unavailable',
      `This machine does not let a sandbox be made: ${said || `exit code ${code}`}`,
      {
        nextAction: adviceFor(readSetting),
      },
    );
  }
  const leaks = findLeaks(output);
  if (leaks.length === 0) return;
  throw new SandboxError(
    'unavailable',
    `A sandbox on this machine would not be isolated: ${leaks.join('; ')}.`,
    {
      nextAction: 'Run the relay on another Linux machine, or with another kernel or bubblewrap.',
    },
  );
}

/** Runs the command of a sandbox, and waits for its end. */
export async function trial(
  workshop: Workshop,
  [file = '', ...args]: string[],
): Promise<{ code: number | null; output: string; complaint: string }> {
  const seccomp = fs.openSync(workshop.seccomp, 'r');
  const devNull = fs.openSync('/dev/null', 'r+');
  try {
    const child = spawn(file, args, {
      cwd: '/',
      detached: true,
      env: { PATH: '/usr/bin:/bin' },
      stdio: onlyThese(['ignore', 'pipe', 'pipe', devNull, seccomp, devNull], devNull),
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('a pipe is missing');
    const timer = setTimeout(() => killGroup(child.pid), TRIAL_TIMEOUT);
    const ended = new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('exit', resolve),
    );
    // A bwrap that fails leaves its half-made child waiting for it, with our pipes in its hands.
    const cleared = ended.finally(() => {
      clearTimeout(timer);
      killGroup(child.pid);
    });
    const [output, complaint, code] = await Promise.all([text(stdout), text(stderr), cleared]);
    return { code, output, complaint };
  } finally {
    fs.closeSync(seccomp);
    fs.closeSync(devNull);
  }
}

/** What the trial's `/proc/self/status` and `/proc/net/dev` show to be missing. */
export function findLeaks(output: string): string[] {
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(output)?.[1] ?? 'unknown';
  const interfaces = [...output.matchAll(/^\s*([\w.@-]+):(?:\s+\d+){16}\s*$/gm)].map(([, name]) => name);
  return [
    ...(field('Uid').startsWith('1000\t') ? [] : [`its user is ${field('Uid')}`]),
    ...(/^0+$/.test(field('CapEff')) && /^0+$/.test(field('CapPrm')) ? [] : ['it has capabilities']),
    ...(field('NoNewPrivs') === '1' ? [] : ['programs in it can gain rights']),
    ...(field('Seccomp') === '2' ? [] : ['its system calls are not filtered']),
    ...(Number(field('Pid')) < 100 ? [] : ['it sees the processes of the machine']),
    ...(interfaces.every((name) => name === 'lo')
      ? []
      : [`it has the network interfaces ${interfaces.join(', ')}`]),
  ];
}

/** The command that allows what the trial was refused. */
export function adviceFor(setting: (name: string) => string | undefined): string {
  const culprit = SWITCHES.find(({ name, forbids }) => setting(name) === forbids);
  if (culprit !== undefined) return `sudo sysctl -w ${culprit.name}=${culprit.allows}`;
  return 'In a container, allow user namespaces (for example docker run --security-opt seccomp=unconfined), or run the relay on a Linux machine itself.';
}

function readSetting(name: string): string | undefined {
  try {
    return fs.readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
