import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandboxError } from '../sandbox.ts';
import { type Connection, lost } from '../supervised/connection.ts';
import { INSIDE } from '../supervised/places.ts';
import { networkFolders } from './egress/policy.ts';
import { onlyThese } from './inheritance.ts';
import { type SandboxPlace, socketPath } from './layout.ts';
import { LOCK_PATIENCE } from './lock.ts';
import { filesOf, type Meta } from './meta.ts';
import { overlayOf } from './overlay.ts';
import type { Workshop } from './prepare.ts';
import { infoFile, killGroup, killSandbox, rememberProcess } from './process.ts';
import { putText } from './put-file.ts';
import { connect } from './socket.ts';

/** Milliseconds from the start of bwrap to the supervisor's first word; it takes about 60, on an idle machine. */
const START_PATIENCE = 30_000;
/** How often to look for another relay's start, in milliseconds; a start takes about 60. */
const WINNER_PACE = 10;
/** Milliseconds for a socket that may not have its supervisor yet. */
const UNPUBLISHED_PATIENCE = 1_000;
/** Milliseconds for hearing how bwrap exited. */
const EXIT_PATIENCE = 1_000;
/** MiB of heap for the supervisor; file contents are not on the heap. */
const SUPERVISOR_HEAP = 96;
/** What flock exits with when another relay holds the lock: EX_TEMPFAIL. */
const LOCK_HELD = 75;
/** Characters of a start's last words that go into an error. */
const COMPLAINT_TAIL = 1_000;

/** Wraps the command that starts a sandbox so that the kernel holds it to its limits. */
type Confine = (command: string[]) => string[];

/**
 * Starts a sandbox that does not run, so that it outlives this process: in a session of its own. A flock outside of it
 * holds the lock and waits for it; either dies with the other, so a sandbox never runs twice. Where the lock is held,
 * another relay was faster and its sandbox is connected to; one that holds it and does not answer is killed.
 *
 * Nothing in the sandbox has a descriptor of a host's file: a command of the same user opens it anew by way of
 * /proc/<pid>/fd, and can then write to it, or make it a setuid program of the person's.
 */
export async function launch(
  workshop: Workshop,
  place: SandboxPlace,
  meta: Meta,
  confine: Confine,
): Promise<Connection> {
  const first = await attempt(workshop, place, meta, confine);
  if (first !== 'held') return first;
  const winner = await connectToWinner(place, socketPath(workshop.dirs, place.id), workshop.answerPatience);
  if (winner !== undefined) return winner;
  await killSandbox(place);
  const second = await attempt(workshop, place, meta, confine);
  if (second !== 'held') return second;
  throw lost('The sandbox is held by a process that cannot be reached');
}

async function attempt(
  workshop: Workshop,
  place: SandboxPlace,
  meta: Meta,
  confine: Confine,
): Promise<Connection | 'held'> {
  const final = socketPath(workshop.dirs, place.id);
  const temporary = `${final}.${randomBytes(2).toString('hex')}`;
  const server = await listen(temporary);
  // Appended to, for until the lock is had they belong to whoever has it.
  const files = [
    fs.openSync(workshop.seccomp, 'r'),
    fs.openSync(infoFile(place), 'a', 0o600),
    fs.openSync('/dev/null', 'r+'),
  ];
  try {
    const child = spawnDetached(workshop, place, meta, confine, descriptorOf(server), files);
    // Our copy would otherwise take the connection that is meant for the supervisor.
    server.close();
    return await firstWord(child, place, { temporary, final });
  } finally {
    server.close();
    for (const fd of files) fs.closeSync(fd);
    fs.rmSync(temporary, { force: true });
  }
}

/**
 * Listens at a path of the host that no sandbox sees; the supervisor inherits the descriptor. When our copy is closed Node
 * removes the path that it was told, which therefore must no longer be the socket's.
 */
async function listen(path: string): Promise<Server> {
  const server = createServer();
  server.listen(`${path}.new`);
  await once(server, 'listening');
  fs.chmodSync(`${path}.new`, 0o600);
  fs.renameSync(`${path}.new`, path);
  return server;
}

/** Node has no public name for a server's descriptor. */
function descriptorOf(server: Server): number {
  const handle: unknown = Reflect.get(server, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  if (typeof fd !== 'number' || fd < 0) throw new Error('this Node does not tell the descriptor of a server');
  return fd;
}

function spawnDetached(
  workshop: Workshop,
  place: SandboxPlace,
  meta: Meta,
  confine: Confine,
  listening: number,
  descriptors: number[],
): ChildProcess {
  const [seccomp = -1, info = -1, devNull = -1] = descriptors;
  const files = filesOf(place, meta);
  const supervisor = [INSIDE.node, `--max-old-space-size=${SUPERVISOR_HEAP}`, INSIDE.supervisor];
  const folders = [
    { from: files.workspace, to: INSIDE.workspace },
    { from: files.home, to: INSIDE.home },
    { from: files.scratch, to: INSIDE.scratch },
    { from: place.state, to: INSIDE.state },
    ...networkFolders(place, meta.network),
  ];
  const locking = [
    ...['--exclusive', '--close', '--timeout', String(LOCK_PATIENCE)],
    ...['--conflict-exit-code', String(LOCK_HELD), place.lock],
  ];
  const sandbox = workshop.command(supervisor, folders, overlayOf(workshop, place, meta));
  const [file = '', ...args] = confine([workshop.host.flock, ...locking, ...sandbox]);
  const child = spawn(file, args, {
    cwd: '/',
    detached: true,
    // The first process of a sandbox shows its environment to all others there.
    env: { PATH: '/usr/bin:/bin' },
    stdio: onlyThese(['ignore', 'ignore', 'pipe', listening, seccomp, info], devNull),
  });
  child.unref();
  return child;
}

/** Waits until the supervisor answers, and only then gives its socket the name that others look for. */
async function firstWord(
  child: ChildProcess,
  place: SandboxPlace,
  paths: { temporary: string; final: string },
): Promise<Connection | 'held'> {
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('exit', resolve).once('error', reject),
  );
  ended.catch(() => {});
  const closed = once(child, 'close').catch(() => {});
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (words: string) => {
    complaint = (complaint + words).slice(-COMPLAINT_TAIL);
  });
  try {
    const connection = await connect(paths.temporary, START_PATIENCE);
    if (rememberProcess(place) === undefined)
      throw new Error('bwrap did not tell the process of the sandbox');
    publish(place, paths);
    return connection;
  } catch (cause) {
    // A connection to a bwrap that fails breaks when it exits; we hear of both in either order.
    const code = await Promise.race([ended, sleep(EXIT_PATIENCE, null)]);
    if (code === LOCK_HELD) return 'held';
    killGroup(child.pid);
    await killSandbox(place);
    await Promise.race([closed, sleep(EXIT_PATIENCE)]);
    const said = complaint.trim();
    throw new SandboxError('failed', `The sandbox did not start${said === '' ? '' : `: ${said}`}.`, {
      cause,
      nextAction: 'Run "handoff doctor" to see what is missing.',
    });
  } finally {
    // What it says later is heard by nobody, and nobody in the sandbox can speak to us.
    child.stderr?.destroy();
  }
}

/** From now on others find it, whether we or another relay came to this first. */
function publish(place: SandboxPlace, { temporary, final }: { temporary: string; final: string }): void {
  putText(place.socket, final);
  try {
    fs.renameSync(temporary, final);
  } catch (error) {
    if (!fs.existsSync(final)) throw error;
  }
}

/**
 * Another relay is starting this sandbox in this moment, or has died over it: waits for it, or finishes its work.
 * Undefined where nothing comes of it.
 */
async function connectToWinner(
  place: SandboxPlace,
  final: string,
  patience: number,
): Promise<Connection | undefined> {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(WINNER_PACE)) {
    const path = knownSocket(place);
    const connection = path === undefined ? undefined : await connect(path, patience).catch(() => undefined);
    if (connection !== undefined) return connection;
    for (const temporary of unpublished(final)) {
      const found = await connect(temporary, UNPUBLISHED_PATIENCE).catch(() => undefined);
      if (found === undefined) continue;
      rememberProcess(place);
      publish(place, { temporary, final });
      return found;
    }
  }
  return undefined;
}

/** Sockets of a sandbox that did not get their final name yet. */
function unpublished(final: string): string[] {
  const names = fs.readdirSync(dirname(final));
  return names
    .filter((name) => name.startsWith(`${basename(final)}.`) && !name.endsWith('.new'))
    .map((name) => join(dirname(final), name));
}

/** Where the control socket of a sandbox that was ever started is. */
export function knownSocket(place: SandboxPlace): string | undefined {
  try {
    return fs.readFileSync(place.socket, 'utf8');
  } catch {
    return undefined;
  }
}
