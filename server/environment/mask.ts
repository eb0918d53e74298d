/** What is struck out of bytes: every form in which a command may print a secret. */

/** A secret's name and value. */
export interface Secret {
  name: string;
  value: string;
}

/** Shorter values (characters) cannot be told from other text. */
const SHORTEST = 4;
/** Of values this long, other ways to write them are struck out, too. */
const SHORTEST_ENCODED = 8;
/** Of values of several lines, lines this long are struck out by themselves; shorter ones are often no secret (`version: 1`). */
const SHORTEST_LINE = 16;
/** Of a form that is cut off by the omission in bounded output, pieces this long (bytes) are struck out. */
const SHORTEST_PIECE = 4;

interface Pattern {
  bytes: Buffer;
  label: Buffer;
}

/** Strikes out a stream as it comes. What may become a form of a secret is held back until that is clear. */
export interface StreamMask {
  push(chunk: Uint8Array): Uint8Array;
  /** At the end of the stream: what was held back. */
  flush(): Uint8Array;
}

export interface Mask {
  /** A whole, struck out: `[secret NAME]` for each run of bytes that belongs to one. */
  whole(data: Uint8Array): Uint8Array;
  text(text: string): string;
  stream(): StreamMask;
  /** The two sides of an omission: also pieces that it cut are struck out. */
  beforeOmission(head: Uint8Array): Uint8Array;
  afterOmission(tail: Uint8Array): Uint8Array;
  /** Of the same length: a `*` for every byte that belongs to a secret. */
  inPlace(data: Uint8Array): Uint8Array;
  /** How many bytes before and behind a place decide whether it belongs to a secret. */
  reach: number;
}

/** @returns undefined where nothing is to be struck out */
export function createMask(secrets: readonly Secret[]): Mask | undefined {
  const patterns = secrets
    .filter(({ value }) => value.length >= SHORTEST)
    .flatMap(({ name, value }) =>
      formsOf(value).map((bytes): Pattern => ({ bytes, label: Buffer.from(`[secret ${name}]`) })),
    )
    // The longest first: what contains another is found as itself.
    .sort((a, b) => b.bytes.length - a.bytes.length);
  if (patterns.length === 0) return undefined;
  const longest = patterns[0]?.bytes.length ?? 0;
  const byFirst = new Map<number, Pattern[]>();
  // Nearly every place is passed over by its first two bytes.
  const begins = new Uint8Array(1 << 16);
  for (const pattern of patterns) {
    const first = pattern.bytes[0] ?? 0;
    byFirst.set(first, [...(byFirst.get(first) ?? []), pattern]);
    begins[pattern.bytes.readUInt16BE(0)] = 1;
  }
  const mayBegin = (data: Buffer, at: number): boolean =>
    at + 1 >= data.length || begins[((data[at] ?? 0) << 8) | (data[at + 1] ?? 0)] === 1;

  /** The longest form at `at`; and whether a longer one may be there once more bytes have come. */
  function look(data: Buffer, at: number): { found: Pattern | undefined; isOpen: boolean } {
    const candidates = byFirst.get(data[at] ?? -1);
    if (candidates === undefined) return { found: undefined, isOpen: false };
    const isAt = ({ bytes }: Pattern, length: number): boolean =>
      data.compare(bytes, 0, length, at, at + length) === 0;
    const found = candidates.find(
      (one) => one.bytes.length <= data.length - at && isAt(one, one.bytes.length),
    );
    const rest = data.length - at;
    const isOpen = candidates.some(
      (one) => one.bytes.length > Math.max(rest, found?.bytes.length ?? 0) && isAt(one, rest),
    );
    return { found, isOpen };
  }

  function createStream(): StreamMask {
    let held: Buffer = Buffer.alloc(0);
    /** How many of the held bytes belong to a form that began before them. */
    let covered = 0;

    function run(data: Buffer, isLast: boolean): Uint8Array {
      const out: Uint8Array[] = [];
      let at = 0;
      let kept = covered;
      for (; at < data.length; at += 1) {
        if (!mayBegin(data, at)) continue;
        const { found, isOpen } = look(data, at);
        if (isOpen && !isLast) break;
        const end = at + (found?.bytes.length ?? 0);
        if (found && end > covered) {
          if (at >= covered) out.push(data.subarray(kept, at), found.label);
          covered = end;
          kept = end;
        }
      }
      if (at > kept) out.push(data.subarray(kept, at));
      covered = Math.max(0, covered - at);
      held = Buffer.from(data.subarray(at));
      return Buffer.concat(out);
    }

    return {
      push: (chunk) => run(held.length === 0 ? bufferOf(chunk) : Buffer.concat([held, chunk]), false),
      flush: () => run(held, true),
    };
  }

  const whole = (data: Uint8Array): Uint8Array => {
    const stream = createStream();
    return Buffer.concat([stream.push(data), stream.flush()]);
  };
  const labelOf = (piece: Buffer, isPiece: (bytes: Buffer) => boolean): Buffer | undefined =>
    piece.length < SHORTEST_PIECE ? undefined : patterns.find(({ bytes }) => isPiece(bytes))?.label;

  return {
    reach: longest - 1,
    whole,
    text: (text) => new TextDecoder().decode(whole(Buffer.from(text))),
    stream: createStream,

    beforeOmission(head) {
      const data = bufferOf(head);
      for (let at = Math.max(0, data.length - longest + 1); at < data.length; at += 1) {
        const piece = data.subarray(at);
        const label = labelOf(
          piece,
          (bytes) => bytes.length > piece.length && bytes.subarray(0, piece.length).equals(piece),
        );
        if (label) return Buffer.concat([whole(data.subarray(0, at)), label]);
      }
      return whole(data);
    },

    afterOmission(tail) {
      const data = bufferOf(tail);
      for (let length = Math.min(data.length, longest - 1); length > 0; length -= 1) {
        const piece = data.subarray(0, length);
        const label = labelOf(
          piece,
          (bytes) => bytes.length > length && bytes.subarray(-length).equals(piece),
        );
        if (label) return Buffer.concat([label, whole(data.subarray(length))]);
      }
      return whole(data);
    },

    inPlace(data) {
      const from = bufferOf(data);
      const out = Buffer.from(from);
      for (let at = 0; at < from.length; at += 1) {
        const { found } = mayBegin(from, at) ? look(from, at) : { found: undefined };
        if (found) out.fill('*', at, at + found.bytes.length);
      }
      return out;
    },
  };
}

function bufferOf(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** The value itself and, of one that is long enough, as it stands in JSON, in a URL, in base64, and line by line. */
function formsOf(value: string): Buffer[] {
  const forms = [value];
  if (value.length >= SHORTEST_ENCODED) {
    const lines = value.split(/\r?\n/).map((line) => line.trim());
    forms.push(
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value.toWellFormed()),
      value.replaceAll('\n', '\r\n'),
      ...(lines.length > 1 ? lines.filter((line) => line.length >= SHORTEST_LINE) : []),
      ...base64Of(Buffer.from(value)),
    );
  }
  return [...new Set(forms)].map((form) => Buffer.from(form));
}

/** In both alphabets, and at each of the three places at which it may begin inside of something longer. */
function base64Of(value: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    // The characters at both ends that hold bits of the neighbours are left out.
    const text = Buffer.concat([Buffer.alloc(before), value])
      .toString('base64')
      .replace(/=+$/, '');
    const rest = (before + value.length) % 3;
    const inner = text.slice(before === 0 ? 0 : before + 1, rest === 0 ? undefined : -1);
    return inner.length < SHORTEST_ENCODED ? [] : [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
