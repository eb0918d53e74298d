import fs from 'node:fs';
import type { Layout } from './layout.ts';
import { putText } from './put-file.ts';

/** Whom a sandbox runs as on the host. */
export interface HostUser {
  uid: number;
  gid: number;
  /** The relay is root and gives its rights up for the sandbox; else the sandbox runs as the relay's own user. */
  dropped: boolean;
}

/**
 * Where unprivileged users for sandboxes are taken from: in systemd's plan of user ids, 60706 to 61183 belong to nobody.
 * Root's own id would let a sandbox write what only the uid protects (core_pattern, files of root).
 */
const FIRST_UID = 60_800;
const UIDS = 256;

/**
 * The same user for as long as the data folder exists, because files on disk belong to it.
 * @param relayUid the user id of this process
 */
export function hostUser(layout: Layout, relayUid: number, relayGid: number): HostUser {
  if (relayUid !== 0) return { uid: relayUid, gid: relayGid, dropped: false };
  const file = `${layout.sandboxes}/.uid`;
  if (!fs.existsSync(file)) {
    const uid = freeUid(fs.readFileSync('/etc/passwd', 'utf8'), layout.sandboxes);
    putText(file, String(uid));
  }
  const uid = Number(fs.readFileSync(file, 'utf8'));
  if (!Number.isInteger(uid) || uid < FIRST_UID || uid >= FIRST_UID + UIDS)
    throw new Error(`${file} does not hold a user id for sandboxes`);
  return { uid, gid: uid, dropped: true };
}

/** Differs from folder to folder, so that two relays' sandboxes are strangers to each other. */
export function freeUid(passwd: string, seed: string): number {
  const taken = new Set(passwd.split('\n').map((line) => Number(line.split(':')[2])));
  let start = 0;
  for (const character of seed) start = (start * 31 + (character.codePointAt(0) ?? 0)) % UIDS;
  for (let step = 0; step < UIDS; step += 1) {
    const uid = FIRST_UID + ((start + step) % UIDS);
    if (!taken.has(uid)) return uid;
  }
  throw new Error(`the user ids ${FIRST_UID} to ${FIRST_UID + UIDS - 1} are all taken`);
}
