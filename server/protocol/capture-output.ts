import { CaptureError } from './capture-git.ts';

/** One path of `diff-index --raw` or `diff-files --raw`, without renames. */
export interface RawPath {
  path: string;
  /** Git's letter: `A`, `D`, `M`, `T`, or `U` for what a merge left to be settled. */
  status: string;
  /** As it is now; of a deletion, as it was. */
  mode: string;
  /** Null where the path is gone. */
  oid: string | null;
  /** Of a file that was moved here, where it was; that path is told as a deletion of its own. */
  from?: string;
}

/** `:<old mode> <new mode> <old oid> <new oid> <status>\0<path>\0`, repeated; a rename has two paths. */
export function parseRaw(raw: Uint8Array): RawPath[] {
  const fields = names(raw)[Symbol.iterator]();
  const paths: RawPath[] = [];
  for (const field of fields) {
    const [, oldMode, mode, oid, status] = /^:(\d+) (\d+) [0-9a-f]+ ([0-9a-f]+) (\w)/.exec(field) ?? [];
    const path = fields.next().value;
    if (!path || !oldMode || !mode || !oid || !status) throw new RangeError('git answered another format');
    if (status === 'D') paths.push({ path, status, mode: oldMode, oid: null });
    else if (status !== 'R') paths.push({ path, status, mode, oid });
    else {
      const to = fields.next().value;
      if (!to) throw new RangeError('git answered another format');
      paths.push({ path, status: 'D', mode: oldMode, oid: null });
      paths.push({ path: to, status: 'A', mode, oid, from: path });
    }
  }
  return paths;
}

/** `<oid> blob <size>\n<content>\n`, repeated. */
export function parseBatch(batch: Uint8Array): Map<string, Uint8Array> {
  const blobs = new Map<string, Uint8Array>();
  let at = 0;
  while (at < batch.length) {
    const end = batch.indexOf(0x0a, at);
    const [, oid, size] =
      /^([0-9a-f]+) blob (\d+)$/.exec(new TextDecoder().decode(batch.subarray(at, end))) ?? [];
    if (!oid || !size) throw new RangeError('git cat-file answered another format');
    at = end + 1 + Number(size);
    blobs.set(oid, batch.subarray(end + 1, at));
    at += 1;
  }
  return blobs;
}

/** NUL-terminated names. JSON carries only Unicode, so another name is refused rather than changed. */
export function names(bytes: Uint8Array): string[] {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split('\0').slice(0, -1);
  } catch {
    throw new CaptureError(
      'unsupported-name',
      'A changed file has a name that is not UTF-8.',
      'Rename it, or commit it as it is, then try again.',
    );
  }
}

export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x8000) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(parts.join(''));
}
