import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NetworkPolicy, SandboxError } from '../../sandbox.ts';
import { onlyThese } from '../inheritance.ts';
import { CONTROL_SOCKET, ControlAnswer, type ControlRequest, MAX_LINE } from './control.ts';
import { type NetworkPlace, needsEgress, socketFolder, writePolicy } from './policy.ts';
import type { Refusal } from './refusals.ts';

/** Milliseconds from the start of the process to its first answer, and between two tries; it takes about 80. */
const START_PATIENCE = 20_000;
const START_PACE = 15;
/** Milliseconds for an answer of one that runs, and where another one can be asked instead. */
const ANSWER_PATIENCE = 10_000;
const LOOK_PATIENCE = 2_000;
/** Seconds that a second one waits for the first to end, in case it is just doing that. */
const LOCK_PATIENCE = 5;
/** Milliseconds without a sandbox after which the process ends. */
const IDLE = 60_000;
/** MiB of its heap; what passes through it is not on the heap. */
const HEAP = 96;
/** How the folders of such processes are called, among those of sandboxes. */
const HOME = '.egress-';

/** What starting the process takes. */
export interface EgressHost {
  /** The folder of all sandboxes. */
  sandboxes: string;
  /** Whom sandboxes run as on this host, and whether that is not the relay's own user. */
  user: { uid: number; gid: number; dropped: boolean };
  /** Programs, as that user reaches them. */
  node: string;
  flock: string;
  /** Where that user finds what is below `sandboxes`. */
  seen(path: string): string;
  /** The command that runs another one as that user. */
  asUser(command: string[]): string[];
}

/** A sandbox, and its folder. */
type Place = NetworkPlace & { id: string };

export interface Egress {
  /**
   * Sees to it that what this sandbox may reach is reachable by the sockets in its folder. Nothing is started for one that may
   * reach nothing. One that runs stays with the process that serves it, of whatever version: another would cut its connections.
   * @throws SandboxError `unavailable`
   */
  serve(place: Place, policy: NetworkPolicy | undefined, host: EgressHost): Promise<void>;
  /** What a running sandbox was refused since it was started; nothing where nothing is known of it. */
  refusals(place: Place, host: EgressHost): Promise<Refusal[]>;
}

/** @param options.program the bundle of `main.ts`; `idleMs` as `EgressOptions` has it */
export function createEgress(options: {
  program: string;
  idleMs?: number;
  log: (line: string) => void;
}): Egress {
  let starting: Promise<void> | undefined;

  /** One process for all sandboxes of this host, found again by later relays: named by its program, and single by its lock. */
  const start = async (home: string, host: EgressHost): Promise<void> => {
    const began = performance.now();
    const child = spawnDetached(host, home, options.idleMs ?? IDLE);
    const complaint = child.stderr === null ? Promise.resolve('') : text(child.stderr).catch(() => '');
    const ended = Promise.withResolvers<void>();
    child.once('exit', ended.resolve).once('error', ended.reject);
    let over = false;
    ended.promise.catch(() => {}).finally(() => (over = true));
    try {
      for (
        const deadline = Date.now() + START_PATIENCE;
        Date.now() < deadline && !over;
        await sleep(START_PACE)
      ) {
        if ((await ask(home, { op: 'refusals', id: '' }).catch(() => undefined)) === undefined) continue;
        options.log(`egress process started in ${Math.round(performance.now() - began)} ms`);
        return;
      }
      const said = over ? (await complaint).trim().split('\n').slice(-3).join(' ') : '';
      throw unavailable(said === '' ? 'the process for it does not answer' : said);
    } finally {
      child.stderr?.destroy();
    }
  };

  return {
    async serve(place, policy, host) {
      if (policy === undefined || !needsEgress(policy)) return;
      makeOwned(socketFolder(place), host);
      writePolicy(place, policy);
      const request = { op: 'serve', id: place.id } as const;
      const used = await processInUse(place, host);
      if (used !== undefined && (await ask(used.home, request).catch(() => undefined))?.ok) return;
      const home = homeOf(host, options.program);
      const running = await ask(home, request).catch(() => undefined);
      if (running === undefined) {
        starting ??= start(home, host).finally(() => {
          starting = undefined;
        });
        await starting;
      }
      const answered = running ?? (await ask(home, request));
      if (!answered.ok) throw unavailable(answered.message);
    },
    async refusals(place, host) {
      return (await processInUse(place, host))?.refusals ?? [];
    },
  };
}

function unavailable(why: string): SandboxError {
  return new SandboxError('unavailable', `The sandbox's way to the network cannot be opened: ${why}.`, {
    nextAction: 'Try again; without a network (HANDOFF_NETWORK=none) sandboxes do not need it.',
  });
}

/** The process's own folder. Another version of the program has another one, and serves its sandboxes until they end. */
function homeOf(host: EgressHost, program: string): string {
  let content: Buffer;
  try {
    content = fs.readFileSync(program);
  } catch (cause) {
    const message = `The program that connects sandboxes to the network cannot be read: ${program}`;
    throw new SandboxError('unavailable', message, { cause, nextAction: 'npm run build' });
  }
  const home = `${host.sandboxes}/${HOME}${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  makeOwned(home, host);
  const installed = `${home}/egress.mjs`;
  if (!fs.existsSync(installed)) {
    fs.writeFileSync(`${installed}.${process.pid}`, content);
    fs.chmodSync(`${installed}.${process.pid}`, 0o644);
    fs.renameSync(`${installed}.${process.pid}`, installed);
  }
  return home;
}

/** The process that a running sandbox is connected to, among those of all versions; what it tells of the sandbox. */
async function processInUse(
  { id }: Place,
  host: EgressHost,
): Promise<{ home: string; refusals: Refusal[] } | undefined> {
  const homes = fs.readdirSync(host.sandboxes).filter((name) => name.startsWith(HOME));
  const told = await Promise.all(
    homes.map(async (name) => {
      const home = `${host.sandboxes}/${name}`;
      const answered = await ask(home, { op: 'refusals', id }, LOOK_PATIENCE).catch(() => undefined);
      return answered?.ok && answered.inUse ? [{ home, refusals: answered.refusals }] : [];
    }),
  );
  return told.flat()[0];
}

/** Makes a folder of the user that sandboxes run as on the host: the process is that user, and never root. */
function makeOwned(path: string, { user }: EgressHost): void {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  if (user.dropped) fs.chownSync(path, user.uid, user.gid);
}

function spawnDetached(host: EgressHost, home: string, idleMs: number): ChildProcess {
  const seen = host.seen(home);
  const locking = ['--exclusive', '--timeout', String(LOCK_PATIENCE), '--no-fork', `${seen}/lock`];
  const program = [host.node, `--max-old-space-size=${HEAP}`, `${seen}/egress.mjs`];
  const args = [dirname(seen), seen, String(idleMs)];
  const [file = '', ...rest] = host.asUser([host.flock, ...locking, ...program, ...args]);
  const devNull = fs.openSync('/dev/null', 'r+');
  try {
    const child = spawn(file, rest, {
      cwd: '/',
      detached: true,
      // Names are resolved by half of the threads of libuv. One sandbox has a few at most (`lookups.ts`), so that several
      // have to name what does not answer until the others wait.
      env: { PATH: '/usr/bin:/bin', UV_THREADPOOL_SIZE: '64' },
      stdio: onlyThese(['ignore', 'ignore', 'pipe'], devNull),
    });
    child.unref();
    return child;
  } finally {
    fs.closeSync(devNull);
  }
}

/** @throws where nothing answers in time */
async function ask(
  home: string,
  request: ControlRequest,
  patience = ANSWER_PATIENCE,
): Promise<ControlAnswer> {
  // By descriptor: the path may be longer than a socket's may be.
  const fd = fs.openSync(home, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  const socket = connect(`/proc/self/fd/${fd}/${CONTROL_SOCKET}`);
  const timer = setTimeout(() => socket.destroy(new Error('no answer')), patience);
  try {
    await once(socket, 'connect');
    socket.write(`${JSON.stringify(request)}\n`);
    return ControlAnswer.parse(JSON.parse(await boundedText(socket)));
  } finally {
    clearTimeout(timer);
    socket.destroy();
    fs.closeSync(fd);
  }
}

async function boundedText(socket: Socket): Promise<string> {
  let said = '';
  for await (const piece of socket.setEncoding('utf8')) {
    said += String(piece);
    if (said.length > MAX_LINE) throw new Error('an answer of that length is none');
  }
  return said;
}
