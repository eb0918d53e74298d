import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { SandboxPlace } from './layout.ts';
import { putText } from './put-file.ts';

/** A process, told apart from a later one of the same number: by when it started, and in which boot. */
const Identity = z.object({ pid: z.number().int().min(2), startTicks: z.string(), boot: z.string() });
type Identity = z.infer<typeof Identity>;

const BwrapInfo = z.object({ 'child-pid': z.number().int().min(2) });

/** How long killing may take, and how often we look, in milliseconds. */
const KILL_PATIENCE = 10_000;
const KILL_PACE = 2;

/** Where bwrap says which process is the first; another file in each boot, for its number means nothing in the next. */
export function infoFile(place: SandboxPlace): string {
  return `${place.root}/bwrap-${bootId()}.json`;
}

/**
 * Writes down which process is the first of the sandbox, from what bwrap said; undefined while it has not said it. What it said of an
 * earlier start, whose number another sandbox' process may have now, counts no more: the sandbox' lock is held above its own only.
 */
export function rememberProcess(place: SandboxPlace): number | undefined {
  const told = parse(BwrapInfo, infoFile(place));
  const identity = told && firstProcessOf(place, told['child-pid']);
  if (identity === undefined || lockHolder(place, identity.pid) === undefined) return undefined;
  putText(place.process, JSON.stringify(identity));
  return identity.pid;
}

/** The sandbox's first process while it lives. */
export function livingProcess(place: SandboxPlace): number | undefined {
  const known = parse(Identity, place.process);
  if (known !== undefined && sameProcess(place, known)) return known.pid;
  // A relay may have died between starting bwrap and writing down its process.
  return rememberProcess(place);
}

/** Kills the sandbox and all that runs in it, and resolves once it is dead and its lock given back. Idempotent. */
export async function killSandbox(place: SandboxPlace): Promise<void> {
  let holder: number | undefined;
  for (const deadline = Date.now() + KILL_PATIENCE; ; await sleep(KILL_PACE)) {
    const pid = livingProcess(place);
    const locked = holder !== undefined && holdsLock(place, holder);
    if (pid === undefined && !locked) break;
    if (Date.now() > deadline)
      throw new Error(`process ${pid ?? holder} of sandbox ${place.id} cannot be killed`);
    if (pid === undefined) continue;
    holder ??= lockHolder(place, pid);
    try {
      // The kernel kills a process namespace with its first process.
      process.kill(pid, 'SIGKILL');
    } catch {
      // It died in this moment.
    }
  }
  for (const path of [place.process, infoFile(place)]) fs.rmSync(path, { force: true });
}

/** Kills a process that was started detached and all that did not leave its group. Idempotent. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}

/** The flock that waits for the bwrap that waits for the sandbox's first process. */
function lockHolder(place: SandboxPlace, first: number): number | undefined {
  try {
    // State and parent are fields 3 and 4 of proc(5).
    const parentOf = (pid: number): number => Number(statOf(pid)[1]);
    const holder = parentOf(parentOf(first));
    return holdsLock(place, holder) ? holder : undefined;
  } catch {
    return undefined; // One of them has ended.
  }
}

/** False too once it has ended and only its parent has not heard of it yet: it then has no command line. */
function holdsLock(place: SandboxPlace, pid: number): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(place.lock);
  } catch {
    return false;
  }
}

function sameProcess(place: SandboxPlace, known: Identity): boolean {
  const now = firstProcessOf(place, known.pid);
  return now !== undefined && now.startTicks === known.startTicks && now.boot === known.boot;
}

/** Undefined unless the process lives, is number 1 of a namespace of its own, and of the user who owns the sandbox. */
function firstProcessOf(place: SandboxPlace, pid: number): Identity | undefined {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    if (!/^NSpid:\t\d+(\t\d+)*\t1$/m.test(status)) return undefined;
    const owner = /^Uid:\t(\d+)/m.exec(status)?.[1];
    if (owner !== String(fs.statSync(place.state).uid)) return undefined;
    const fields = statOf(pid);
    // State is field 3 of proc(5), starttime field 22.
    if ('ZXx'.includes(fields[0] ?? '')) return undefined;
    return { pid, startTicks: fields[19] ?? '', boot: bootId() };
  } catch {
    return undefined;
  }
}

/** The fields of a process from its state on, which is the third: the name before it may contain anything. */
function statOf(pid: number): string[] {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function bootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function parse<Shape extends z.ZodType>(shape: Shape, path: string): z.infer<Shape> | undefined {
  try {
    return shape.parse(JSON.parse(lastDocument(fs.readFileSync(path, 'utf8'))));
  } catch {
    return undefined;
  }
}

/** bwrap appends: the last start of a sandbox is at the end. Its documents are flat. */
function lastDocument(text: string): string {
  return text.slice(Math.max(0, text.lastIndexOf('{')));
}
