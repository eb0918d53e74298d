import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CliError } from './command.ts';

/** A child process that serves until it is closed. */
export interface Service {
  /** What it announced, by which it is reached. */
  announced: string;
  /** Resolves when it has ended, however that came. */
  ended: Promise<void>;
  /** Asks it to end, waits, and ends it where it does not. */
  close(): Promise<void>;
}

export interface ServiceSpec {
  /** As a person would call it. */
  name: string;
  /** This Node where absent. */
  command?: string;
  argv: string[];
  env: Record<string, string | undefined>;
  /** Its first group finds the address, or the port, in a line of its stdout. */
  announces: RegExp;
}

const READY_TIMEOUT_MS = 90_000;
const CLOSE_TIMEOUT_MS = 10_000;
/** Of what a service says on stderr, what is shown when it does not start, in characters. */
const SHOWN_OUTPUT = 2000;

/**
 * Starts a program and waits for its address.
 * @throws {CliError} with its last words where it ends, or says nothing in time
 */
export async function startService({ name, command, argv, env, announces }: ServiceSpec): Promise<Service> {
  const child = spawn(command ?? process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in the terminal must not end it before whoever started it takes leave of it.
    detached: true,
    env: env as NodeJS.ProcessEnv,
  });
  let words = '';
  const keep = (text: string) => (words = (words + text).slice(-SHOWN_OUTPUT));
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = once(child, 'exit').then(
    () => {},
    () => {},
  );
  const closing = new AbortController();
  const announced = await Promise.race([
    announcement(child, announces, keep),
    ended.then(() => undefined),
    timeout(READY_TIMEOUT_MS, closing.signal),
  ]);
  closing.abort();
  const close = () => endProcess(child, ended);
  if (announced !== undefined) return { announced, ended, close };
  await close();
  throw new CliError(`The ${name} did not start:\n${words.trim() || 'It said nothing.'}`);
}

/** Goes on reading after the address, or the program would block on a full pipe. */
function announcement(child: ChildProcess, pattern: RegExp, keep: (text: string) => void): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      keep(`${line}\n`);
      const found = pattern.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
}

function timeout(ms: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

/** Asks the process itself, which knows its children; what is left of its group after that is killed. */
async function endProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}
