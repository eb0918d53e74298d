import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { WIRE_VERSION } from '../supervised/wire.ts';
import { killCommands } from './processes.ts';
import { type MachinePlaces, type Running, readRunning } from './websocket-place.ts';
import type { Greeting } from './websocket-serve.ts';

/** Milliseconds for the supervisor to be there; it takes about 100 on an idle machine. */
const START_PATIENCE = 20_000;
/** Milliseconds for one that runs to say who it is. One that does not hangs, and is replaced. */
const GREETING_PATIENCE = 5_000;
const PACE = 15;
/** MiB of heap; file contents are not on the heap. */
const HEAP = 96;
/** Characters of its log that go into an error. */
const LAST_WORDS = 1_000;

/**
 * Makes sure that the supervisor of this machine runs, however many ask at the same time, and says how to reach it. One that hangs,
 * or speaks another version, is killed with its commands and replaced.
 * @param machine names this machine among those that are copies of each other
 * @param script the file to start it from
 */
export async function startSupervisor(
  places: MachinePlaces,
  machine: string,
  script: string,
): Promise<Running> {
  let child: ChildProcess | undefined;
  for (const deadline = Date.now() + START_PATIENCE; Date.now() < deadline; await sleep(PACE)) {
    const holder = await askHolder(places);
    if (holder === undefined) {
      if (child?.exitCode) break;
      if (child === undefined) {
        child = spawnSupervisor(places, [script, 'serve', machine]);
      }
      continue;
    }
    const running = readRunning(places);
    if (holder === 'mute' || holder.version !== WIRE_VERSION) {
      if (running !== undefined) await replace(running);
    } else if (running?.instance === holder.instance) {
      return running;
    }
  }
  throw new Error(`the supervisor did not start: ${lastWords(places)}`);
}

/** Who listens at the lock; `mute` if that one does not say. */
async function askHolder({ lock }: MachinePlaces): Promise<Greeting | 'mute' | undefined> {
  const socket = connect({ path: lock });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
  } catch {
    return undefined;
  }
  socket.setTimeout(GREETING_PATIENCE, () => socket.destroy());
  try {
    const words: Greeting = JSON.parse(await text(socket));
    return words;
  } catch {
    return 'mute';
  } finally {
    socket.destroy();
  }
}

function spawnSupervisor({ log, home }: MachinePlaces, args: string[]): ChildProcess {
  const output = fs.openSync(log, 'w', 0o600);
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP}`, ...args], {
    cwd: home,
    detached: true,
    stdio: ['ignore', output, output],
  });
  fs.closeSync(output);
  child.on('error', () => {});
  child.unref();
  return child;
}

async function replace({ pid }: Running): Promise<void> {
  try {
    // The number may by now be another process's.
    if (fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0serve\0')) process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
  await killCommands(() => true, []);
}

function lastWords({ log }: MachinePlaces): string {
  try {
    return fs.readFileSync(log, 'utf8').trim().slice(-LAST_WORDS) || 'it said nothing';
  } catch {
    return 'it left no log';
  }
}
