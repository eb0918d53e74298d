import fs from 'node:fs';
import { SandboxError } from '../sandbox.ts';
import { CHUNK, type StreamName } from '../supervised/wire.ts';
import type { Room } from './room.ts';

/** Bytes, of both streams together, that those who attach later hear from the beginning; what comes after, they get only live. */
const REPLAYED = 4 << 20;

const STREAMS: readonly StreamName[] = ['stdout', 'stderr'];
/** An entry of `order`: stream number (1 byte), bytes of the chunk (4, big endian). */
const ENTRY = 5;

/**
 * All that a command printed, on disk: a file for each stream, so that any part is read without the rest, and for the part that is
 * replayed the order in which it came. Its beginning is kept, as far as there is `room`; the end is in the command's result.
 */
export interface OutputLog {
  append(name: StreamName, chunk: Buffer): void;
  /** The command prints no more. */
  close(): void;
  /** What was printed first, in the order in which it came. */
  replay(onOutput: (name: StreamName, chunk: Buffer) => void): void;
  /** At most `CHUNK` bytes, and how many there are by now. @throws SandboxError `not-found` where it was dropped */
  read(name: StreamName, range: { offset: number; length: number }): { data: Buffer; size: number };
}

/** @param place the folder of the command's record */
export function outputLog(place: string, room: Room): OutputLog {
  const open = new Map<string, number>();
  let replayable = 0;
  let full = false;

  const write = (name: string, bytes: Buffer): void => {
    const fd = open.get(name) ?? fs.openSync(`${place}/${name}`, 'a', 0o600);
    open.set(name, fd);
    for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
  };
  const close = (): void => {
    full = true;
    for (const fd of open.values()) fs.closeSync(fd);
    open.clear();
  };

  return {
    close,
    append(name, chunk) {
      if (full) return;
      // A log with a hole in it would be wrong from there on: it ends with the first chunk that finds no room.
      if (!room.take(place, chunk.length)) return close();
      try {
        write(name, chunk);
        replayable += chunk.length;
        if (replayable <= REPLAYED) write('order', entryOf(name, chunk.length));
      } catch {
        close(); // A full disk: the command goes on.
      }
    },
    replay(onOutput) {
      const streams = STREAMS.map((name) => ({
        name,
        bytes: readFirst(`${place}/${name}`, REPLAYED),
        at: 0,
      }));
      const order = readFirst(`${place}/order`, Number.POSITIVE_INFINITY);
      for (let at = 0; at + ENTRY <= order.length; at += ENTRY) {
        const stream = streams[order.readUInt8(at)];
        const length = order.readUInt32BE(at + 1);
        if (stream === undefined || stream.at + length > stream.bytes.length) return;
        onOutput(stream.name, stream.bytes.subarray(stream.at, stream.at + length));
        stream.at += length;
      }
    },
    read(name, { offset, length }) {
      if (fs.existsSync(`${place}/dropped`)) {
        throw new SandboxError(
          'not-found',
          'The output of this command is no longer kept; newer ones needed the room.',
        );
      }
      return readPart(`${place}/${name}`, offset, Math.min(length, CHUNK));
    },
  };
}

/** Bytes that a command's output takes on disk. */
export function outputSize(place: string): number {
  const sizeOf = (name: string): number =>
    fs.statSync(`${place}/${name}`, { throwIfNoEntry: false })?.size ?? 0;
  return STREAMS.map(sizeOf).reduce((sum, size) => sum + size, 0);
}

/** Removes a command's output; who asks for it is told so. */
export function dropOutput(place: string): void {
  try {
    fs.writeFileSync(`${place}/dropped`, '');
  } finally {
    for (const name of [...STREAMS, 'order']) fs.rmSync(`${place}/${name}`, { force: true });
  }
}

function entryOf(name: StreamName, length: number): Buffer {
  const entry = Buffer.alloc(ENTRY);
  entry.writeUInt8(STREAMS.indexOf(name), 0);
  entry.writeUInt32BE(length, 1);
  return entry;
}

function readFirst(path: string, most: number): Buffer {
  const size = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return readPart(path, 0, Math.min(size, most)).data;
}

/** An absent file is an empty one: a stream on which nothing was printed. */
function readPart(path: string, offset: number, length: number): { data: Buffer; size: number } {
  if (!fs.existsSync(path)) return { data: Buffer.alloc(0), size: 0 };
  const fd = fs.openSync(path, 'r');
  try {
    const { size } = fs.fstatSync(fd);
    const data = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
    const got = data.length === 0 ? 0 : fs.readSync(fd, data, 0, data.length, offset);
    return { data: data.subarray(0, got), size };
  } finally {
    fs.closeSync(fd);
  }
}
