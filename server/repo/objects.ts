import { AppError } from '../errors.ts';
import type { Git } from './git.ts';

/** Sizes of blobs, in bytes. Throws where one is missing: the repository is broken then. */
export async function blobSizes(
  git: Git,
  repo: string,
  oids: string[],
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  if (oids.length === 0) return sizes;
  const stdin = Buffer.from(`${oids.join('\n')}\n`);
  const printed = await git(['cat-file', '--batch-check'], { repo, stdin, signal, maxOutputBytes: 2 ** 27 });
  for (const line of printed.toString().trimEnd().split('\n')) {
    const [oid = '', type, size] = line.split(' ');
    if (type !== 'blob') throw new Error(`not a blob: ${line}`);
    sizes.set(oid, Number(size));
  }
  return sizes;
}

/** The blobs asked for are larger together than the caller takes. The cause of the `GitError` that ends the reading. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

/**
 * Reads blobs with one process, and hands over each as it comes, in the order asked for: what is in memory is what the
 * caller keeps. Ends as soon as the sizes of those that came sum up to more than `maxBytes`.
 */
export async function readBlobs(
  git: Git,
  repo: string,
  oids: string[],
  onBlob: (oid: string, data: Buffer) => void,
  {
    maxBytes = Number.POSITIVE_INFINITY,
    signal,
  }: { maxBytes?: number; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  if (oids.length === 0) return;
  let chunks: Buffer[] = [];
  let buffered = 0;
  let needed = 1;
  let taken = 0;
  await git(['cat-file', '--batch'], {
    repo,
    stdin: Buffer.from(`${oids.join('\n')}\n`),
    signal,
    onStdout: (chunk) => {
      chunks.push(chunk);
      buffered += chunk.length;
      if (buffered < needed) return;
      let rest = Buffer.concat(chunks);
      for (;;) {
        const frame = frameAt(rest);
        if (taken + frame.needed > maxBytes) throw new TooMuch();
        if (frame.data === undefined) {
          needed = frame.needed;
          break;
        }
        onBlob(frame.oid, frame.data);
        taken += frame.needed;
        rest = rest.subarray(frame.needed);
      }
      chunks = [rest];
      buffered = rest.length;
    },
  });
}

/** The answer at the head of `bytes`: `<oid> blob <size>\n<data>\n`; without data while it is incomplete. */
function frameAt(bytes: Buffer): { oid: string; data: Buffer | undefined; needed: number } {
  const end = bytes.indexOf(10);
  if (end < 0) return { oid: '', data: undefined, needed: bytes.length + 1 };
  const header = bytes.toString('latin1', 0, end);
  const [, oid, size] = /^([0-9a-f]{40}) blob (\d+)$/.exec(header) ?? [];
  if (oid === undefined) throw new AppError('not_found', `No such file content: ${header}.`);
  const needed = end + 1 + Number(size) + 1;
  return { oid, data: bytes.length < needed ? undefined : bytes.subarray(end + 1, needed - 1), needed };
}
