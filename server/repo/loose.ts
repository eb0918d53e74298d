import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { assertOid } from './repository.ts';

const inflated = promisify(inflate);

/** What is larger Git reads, in its own memory. Bytes, header included. */
const MAX_BYTES = 2 ** 20;

export interface LooseObject {
  type: string;
  data: Buffer;
}

/**
 * An object that is a file of its own in `repo`, as a capture's are, read without a process. Its content has been held against its
 * name. Undefined for every other: one in a pack, a large one, a damaged one, none; Git is to be asked then, and says what is wrong.
 */
export async function readLoose(repo: string, oid: string): Promise<LooseObject | undefined> {
  const file = path.join(repo, 'objects', assertOid(oid).slice(0, 2), oid.slice(2));
  try {
    const object = await inflated(await readFile(file), { maxOutputLength: MAX_BYTES });
    if (createHash('sha1').update(object).digest('hex') !== oid) return undefined;
    const end = object.indexOf(0);
    const [type = ''] = object.toString('latin1', 0, end).split(' ');
    return { type, data: object.subarray(end + 1) };
  } catch {
    return undefined;
  }
}
