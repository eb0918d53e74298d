// One bootstrap at a time in a clone, and who is using its `node_modules` now. Held by process identity, so that what a
// killed process held is free at once.
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Between two looks at a lock that another process holds, in milliseconds. */
const POLL_MS = 100;
/** Taking a dead process's lock away is a few system calls; a guard that is older belongs to a process that died in them. */
const GUARD_MAX_AGE_MS = 10_000;

/** A process as `pid` and its start time, since a pid alone comes back in another process. */
function identityOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return `${pid} -`;
  }
}

/** @param {string} identity as `identityOf` made it */
function isAlive(identity) {
  const pid = Number.parseInt(identity, 10);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return identityOf(pid) === identity;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Makes `file` with this process's identity in it, whole or not at all; false where it is there already. */
function claim(file) {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, identityOf(process.pid));
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Removes a dead holder's lock. Under a guard, or two could each remove what the other has just taken. */
function evict(file) {
  const guard = `${file}.guard`;
  if (!claim(guard)) {
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > GUARD_MAX_AGE_MS) rmSync(guard, { force: true });
    return;
  }
  const holder = read(file);
  if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
  rmSync(guard, { force: true });
}

/**
 * Takes the lock, waiting for as long as a living process holds it.
 * @param {string} folder where locks are kept
 * @param {(pid: number) => void} onWait called once if there is somebody to wait for
 * @returns {Promise<() => void>} gives it back
 */
export async function takeLock(folder, onWait) {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'lock');
  for (let waited = false; !claim(file); ) {
    const holder = read(file);
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      evict(file);
      continue;
    }
    if (!waited) onWait(Number.parseInt(holder, 10));
    waited = true;
    await delay(POLL_MS);
  }
  const release = () => {
    if (read(file) === identityOf(process.pid)) rmSync(file, { force: true });
  };
  process.once('exit', release);
  return () => {
    process.off('exit', release);
    release();
  };
}

/** Says that this process needs `node_modules` to stay as it is until it ends. */
export function registerUser(folder) {
  const users = path.join(folder, 'users');
  mkdirSync(users, { recursive: true });
  const file = path.join(users, String(process.pid));
  writeFileSync(file, identityOf(process.pid));
  process.once('exit', () => rmSync(file, { force: true }));
}

/** Waits until no registered process is alive; `onWait` is called once with those that are. */
export async function waitForUsers(folder, onWait) {
  const users = path.join(folder, 'users');
  for (let waited = false; ; waited = true) {
    const alive = listUsers(users);
    if (alive.length === 0) return;
    if (!waited) onWait(alive);
    await delay(POLL_MS);
  }
}

function listUsers(users) {
  let names;
  try {
    names = readdirSync(users);
  } catch {
    return [];
  }
  return names.map(Number).filter((pid) => {
    const file = path.join(users, String(pid));
    const identity = read(file);
    if (identity !== undefined && isAlive(identity)) return true;
    rmSync(file, { force: true });
    return false;
  });
}
