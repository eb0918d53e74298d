import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FETCH } from './limits.ts';
import { FetchProblem } from './problem.ts';

/** The beginning of a body, unpacked; `isCut` where there is more than is read. */
export async function bodyOf(answer: IncomingMessage): Promise<{ data: Buffer; isCut: boolean }> {
  const pieces: Buffer[] = [];
  let size = 0;
  const stream = unpacked(answer);
  try {
    for await (const piece of stream) {
      if (!Buffer.isBuffer(piece)) continue;
      pieces.push(piece);
      size += piece.byteLength;
      if (size > FETCH.bytes) break;
    }
  } finally {
    answer.destroy();
    stream.destroy();
  }
  const data = Buffer.concat(pieces);
  return { data: data.subarray(0, FETCH.bytes), isCut: size > FETCH.bytes };
}

const UNPACK: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function unpacked(answer: IncomingMessage): IncomingMessage | Transform {
  const encoding = (answer.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return answer;
  const unpack = Object.hasOwn(UNPACK, encoding) ? UNPACK[encoding] : undefined;
  if (!unpack)
    throw new FetchProblem(`The answer is packed as ${encoding.slice(0, 40)}, which cannot be unpacked.`);
  const stream = unpack();
  answer.once('error', (error) => stream.destroy(error));
  return answer.pipe(stream);
}
