import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CliError } from './command.ts';

/** A child process that serves until it is closed. */
export interface Service {
  /** The address that it announced. */
  url: string;
  /** Resolves when it has ended, however that came. */
  ended: Promise<void>;
  /** Asks it to end, waits, and ends it where it does not. */
  close(): Promise<void>;
}

export interface ServiceSpec {
  /** As a person would call it. */
  name: string;
  /** Arguments of this Node. */
  argv: string[];
  env: Record<string, string | undefined>;
  /** Finds the address in a line of its stdout. */
  announces: RegExp;
  cwd?: string;
}

const READY_TIMEOUT_MS = 90_000;
const CLOSE_TIMEOUT_MS = 10_000;
/** Of what a service says on stderr, what is shown when it does not start, in characters. */
const SHOWN_OUTPUT = 2000;

/**
 * Starts a program and waits for its address.
 * @throws {CliError} with its last words where it ends, or says nothing in time
 */
export async function startService({ name, argv, env, announces, cwd }: ServiceSpec): Promise<Service> {
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: env as NodeJS.ProcessEnv,
    ...(cwd === undefined ? {} : { cwd }),
  });
  let words = '';
  const keep = (text: string) => (words = (words + text).slice(-SHOWN_OUTPUT));
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = once(child, 'exit').then(
    () => {},
    () => {},
  );
  const closing = new AbortController();
  const url = await Promise.race([
    announced(child, announces, keep),
    ended.then(() => undefined),
    timeout(READY_TIMEOUT_MS, closing.signal),
  ]);
  closing.abort();
  const close = () => endProcess(child, ended);
  if (url !== undefined) return { url, ended, close };
  await close();
  throw new CliError(`The ${name} did not start:\n${words.trim() || 'It said nothing.'}`);
}

/** Goes on reading after the address, or the program would block on a full pipe. */
function announced(child: ChildProcess, pattern: RegExp, keep: (text: string) => void): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      keep(`${line}\n`);
      const url = pattern.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

function timeout(ms: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

async function endProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
