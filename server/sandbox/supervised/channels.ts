import { Duplex } from 'node:stream';
import { SandboxError } from '../sandbox.ts';
import type { Frame } from './wire.ts';

/**
 * Connections to ports of a sandbox, many at once over the one connection to its supervisor; both ends use this. Either end may send
 * a window of bytes and then waits for credit, which the other gives as its reader takes them. So a slow reader stops its own
 * channel's writer, holds at most a window in memory, and stands in nobody's way.
 */

/** Bytes that one end of a channel may be ahead of its reader. */
export const WINDOW = 256 << 10;
/** Bytes of one frame at most, so that others' frames come in between. */
const PIECE = 64 << 10;
/** Bytes after which the reader gives credit, so that not every piece is answered. */
const GRANT = WINDOW / 4;

/** Headers of frames that belong to a channel. `end`: nothing more comes from here. `reset`: nothing more is taken, either. */
export type ChannelFrame =
  | { channel: number; sign: 'data' | 'end' | 'reset' }
  | { channel: number; sign: 'credit'; credit: number };

export interface Channels {
  readonly count: number;
  /** This end of the channel of that number. The number is new, and both ends know it. */
  open(channel: number): Duplex;
  /** Answers whether the frame was one of a channel, of which the other end may be hostile. */
  take(frame: Frame): boolean;
}

interface End {
  stream: Duplex;
  take(sign: string, frame: Frame): void;
}

/**
 * @param carrier the connection that all share; its end is the end of all
 * @param send puts a frame on its way; answers whether there is room for more
 */
export function createChannels(
  carrier: Duplex,
  send: (header: ChannelFrame, body?: Uint8Array) => boolean,
): Channels {
  const ends = new Map<number, End>();
  let draining: Promise<void> | undefined;
  /** Resolves once the carrier has room, so that the channels never fill it before what else it carries. */
  const room = (): Promise<void> => {
    draining ??= new Promise<void>((resolve) => {
      const done = (): void => {
        carrier.off('drain', done).off('close', done);
        draining = undefined;
        resolve();
      };
      carrier.on('drain', done).on('close', done);
    });
    return draining;
  };
  carrier.once('close', () => {
    for (const { stream } of ends.values())
      stream.destroy(new SandboxError('lost', 'The connection to the sandbox ended.'));
  });

  return {
    get count() {
      return ends.size;
    },
    open(channel) {
      const end = createEnd(channel, { send, room, onClose: () => ends.delete(channel) });
      ends.set(channel, end);
      return end.stream;
    },
    take(frame) {
      const { header } = frame;
      if (typeof header !== 'object' || header === null) return false;
      if (!('channel' in header && 'sign' in header)) return false;
      // One that is closed here may still be spoken to for a moment.
      if (typeof header.channel === 'number' && typeof header.sign === 'string')
        ends.get(header.channel)?.take(header.sign, frame);
      return true;
    },
  };
}

interface Way {
  send: (header: ChannelFrame, body?: Uint8Array) => boolean;
  room: () => Promise<void>;
  onClose: () => void;
}

function createEnd(channel: number, { send, room, onClose }: Way): End {
  /** What the other end has room for, and what it has used of the room here. */
  let credit = WINDOW;
  let used = 0;
  const over = { here: false, there: false };
  /** The other end takes nothing more: what is written is dropped. */
  let deaf = false;
  let credited = (): void => {};

  const sendAll = async (chunk: Buffer): Promise<void> => {
    for (let at = 0; at < chunk.length && !stream.destroyed && !deaf; ) {
      if (credit === 0) {
        await new Promise<void>((resolve) => {
          credited = resolve;
        });
        continue;
      }
      const piece = chunk.subarray(at, at + Math.min(credit, PIECE));
      credit -= piece.length;
      at += piece.length;
      if (!send({ channel, sign: 'data' }, piece)) await room();
    }
  };
  const grant = (): void => {
    if (used < GRANT || over.there) return;
    send({ channel, sign: 'credit', credit: used });
    used = 0;
  };

  const stream = new Duplex({
    allowHalfOpen: true,
    read: grant,
    write(chunk: Buffer, _encoding, done) {
      sendAll(chunk).then(() => done(), done);
    },
    final(done) {
      over.here = true;
      if (!deaf) send({ channel, sign: 'end' });
      done();
    },
    destroy(error, done) {
      if (!deaf && !(over.here && over.there)) send({ channel, sign: 'reset' });
      onClose();
      credited();
      done(error);
    },
  });
  // Whoever has the stream hears of errors by listeners of its own; without any, nobody is to fall over one.
  stream.on('error', () => {});

  const handlers: Record<string, (frame: Frame) => void> = {
    data({ body }) {
      if (over.there || used + body.length > WINDOW) return void stream.destroy(broken());
      used += body.length;
      if (stream.push(body)) grant();
    },
    end() {
      if (over.there) return;
      over.there = true;
      stream.push(null);
    },
    credit({ header }) {
      const more = typeof header === 'object' && header !== null ? Reflect.get(header, 'credit') : undefined;
      if (!Number.isSafeInteger(more) || more <= 0 || credit + more > WINDOW)
        return void stream.destroy(broken());
      credit += more;
      credited();
    },
    reset() {
      deaf = true;
      credited();
      // All that it said is here, and may be read: a server refuses an upload by an answer, and hangs up.
      if (over.there) return;
      stream.destroy(new SandboxError('failed', 'The program in the sandbox broke the connection off.'));
    },
  };
  return {
    stream,
    take: (sign, frame) => {
      if (Object.hasOwn(handlers, sign)) handlers[sign]?.(frame);
      else stream.destroy(broken());
    },
  };
}

const broken = (): SandboxError =>
  new SandboxError('failed', 'The sandbox sent what makes no sense over a connection to a port.');
