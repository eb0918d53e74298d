import type { OutputShape } from '../supervised/wire.ts';

/** One stream of a command, bounded: the first half and the last half of `maxBytes` are kept. */
export interface Output {
  push(chunk: Buffer): void;
  /** What is kept: `parts` is the head, then the tail. */
  shape(): { shape: OutputShape; parts: Buffer[] };
}

/** @param maxBytes how many bytes are kept at most; an odd one favours the head */
export function boundedOutput(maxBytes: number): Output {
  const headLimit = Math.ceil(maxBytes / 2);
  const tailLimit = Math.floor(maxBytes / 2);
  const head: Buffer[] = [];
  let headBytes = 0;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let seen = 0;

  const push = (chunk: Buffer): void => {
    seen += chunk.length;
    const forHead = Math.min(chunk.length, headLimit - headBytes);
    if (forHead > 0) {
      head.push(Buffer.from(chunk.subarray(0, forHead)));
      headBytes += forHead;
    }
    if (forHead === chunk.length || tailLimit === 0) return;
    const rest = Buffer.from(chunk.subarray(Math.max(forHead, chunk.length - tailLimit)));
    tail.push(rest);
    tailBytes += rest.length;
    if (tailBytes > 2 * tailLimit || tail.length > 4096) compact();
  };

  /** Cuts the tail to its limit; done only now and then, so that many small chunks stay cheap. */
  const compact = (): void => {
    const joined = Buffer.concat(tail);
    const kept = Buffer.from(joined.subarray(Math.max(0, joined.length - tailLimit)));
    tail = [kept];
    tailBytes = kept.length;
  };

  return {
    push,
    shape() {
      compact();
      const shape = { headBytes, tailBytes, omittedBytes: seen - headBytes - tailBytes };
      return { shape, parts: [...head, ...tail] };
    },
  };
}
