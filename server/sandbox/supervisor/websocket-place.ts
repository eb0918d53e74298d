import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { homedir } from 'node:os';
import type { Places } from '../supervised/places.ts';

/** Where the supervisor of a machine that is not laid out by Handoff keeps its own, below the home folder. */
export interface MachinePlaces extends Places {
  bin: string;
  /** Says for which machine all this is: a machine made from a snapshot of another begins without that one's past. */
  machine: string;
  /** Abstract Unix socket: whoever listens there is the supervisor, and the kernel takes it back when that dies. */
  lock: string;
  /** How the running supervisor is reached. In memory where there is such a folder, so that no snapshot has the key. */
  running: string;
  log: string;
}

export interface Running {
  instance: string;
  pid: number;
  port: number;
  key: string;
}

const MEMORY = '/dev/shm';

/** Makes the folders that are missing. The machine's own programs come before ours in `path`. */
export function machinePlaces(): MachinePlaces {
  const home = fs.realpathSync(homedir());
  const root = `${home}/.handoff`;
  const places = {
    workspace: `${home}/workspace`,
    scratch: `${root}/scratch`,
    state: `${root}/state`,
    bin: `${root}/bin`,
  };
  for (const path of Object.values(places)) fs.mkdirSync(path, { recursive: true });
  const name = `handoff-${createHash('sha256').update(`${process.getuid?.()}:${root}`).digest('hex').slice(0, 16)}`;
  return {
    ...places,
    workspace: fs.realpathSync(places.workspace),
    home,
    path: `${process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'}:${places.bin}`,
    machine: `${root}/machine`,
    lock: `\0${name}`,
    running: `${runFolder(`${MEMORY}/${name}`, `${root}/run`)}/supervisor.json`,
    log: `${root}/supervisor.log`,
  };
}

/** A folder that only this user can read. The one in memory may have been made by another user, and then is not used. */
function runFolder(inMemory: string, onDisk: string): string {
  for (const path of [inMemory, onDisk]) {
    try {
      fs.mkdirSync(path, { mode: 0o700, recursive: path === onDisk });
    } catch {
      // It is there already, or cannot be made.
    }
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0) return path;
  }
  throw new Error(`${onDisk} is not a folder of this user's own`);
}

/** What the running supervisor, or one before it, wrote down. */
export function readRunning({ running }: MachinePlaces): Running | undefined {
  try {
    // Ours, in a folder that is only ours: commands that spoil it fool only their own machine.
    return JSON.parse(fs.readFileSync(running, 'utf8')) as Running;
  } catch {
    return undefined;
  }
}

export function writeRunning({ running }: MachinePlaces, value: Running): void {
  fs.writeFileSync(`${running}.part`, JSON.stringify(value), { mode: 0o600 });
  fs.renameSync(`${running}.part`, running);
}

/** Forgets commands and scratch files that were another machine's. Only for whoever holds the lock. */
export function belongTo(places: MachinePlaces, machine: string): void {
  const owner = fs.existsSync(places.machine) ? fs.readFileSync(places.machine, 'utf8') : undefined;
  if (owner === machine) return;
  if (owner !== undefined) {
    for (const folder of [places.state, places.scratch]) {
      fs.rmSync(folder, { recursive: true, force: true });
      fs.mkdirSync(folder);
    }
  }
  fs.writeFileSync(`${places.machine}.part`, machine);
  fs.renameSync(`${places.machine}.part`, places.machine);
}
