import { open } from 'node:fs/promises';

/** The text at the head of a Git bundle, formats v2 and v3. */
export interface BundleHeader {
  /** Commits that the bundle builds upon and does not contain. */
  prerequisites: string[];
  refs: { oid: string; name: string }[];
}

const HEADER_LIMIT = 2 ** 20;

/** Reads it; undefined where the file is not a bundle of SHA-1 objects. */
export async function readBundleHeader(file: string): Promise<BundleHeader | undefined> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_LIMIT), 0, HEADER_LIMIT, 0);
  const head = buffer.subarray(0, bytesRead);
  const end = head.indexOf('\n\n');
  const [signature, ...lines] = head.subarray(0, Math.max(end, 0)).toString().split('\n');
  if (signature !== '# v2 git bundle' && signature !== '# v3 git bundle') return undefined;
  const header: BundleHeader = { prerequisites: [], refs: [] };
  for (const line of lines) {
    if (line.startsWith('@')) {
      if (line.startsWith('@object-format=') && line !== '@object-format=sha1') return undefined;
      continue;
    }
    const [, minus, oid, name = ''] = /^(-?)([0-9a-f]{40})(?: (.*))?$/.exec(line) ?? [];
    if (oid === undefined) return undefined;
    if (minus === '-') header.prerequisites.push(oid);
    else header.refs.push({ oid, name });
  }
  return header;
}
