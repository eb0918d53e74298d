import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SandboxError, type SandboxErrorCode } from '../sandbox.ts';
import { type ChannelFrame, createChannels } from './channels.ts';
import {
  type Call,
  encodeFrame,
  type Frame,
  frameReader,
  MAX_BODY,
  MAX_REPLY_HEADER,
  type StreamName,
  WIRE_VERSION,
} from './wire.ts';

/** Milliseconds that a supervisor has for saying hello, however busy the machine is. */
export const ANSWER_PATIENCE = 10_000;
/** Characters of an error's message that are taken from a sandbox. */
const MAX_MESSAGE = 10_000;

export interface Answer {
  value: unknown;
  body: Buffer;
}

export interface CallOptions {
  body?: Uint8Array;
  /** Milliseconds after which a supervisor that does not answer counts as lost. */
  deadline: number;
  onOutput?: (name: StreamName, data: Buffer) => void;
  /** Sent over the channel of the call's number until its answer comes, as fast as the other end takes it. */
  input?: AsyncIterable<Uint8Array>;
  /** What to send when the signal fires; the answer is still waited for. */
  abort?: { signal: AbortSignal; call: (id: number) => Call };
}

/** A connection to one supervisor. What comes from there is the word of a possibly hostile machine: checked and bounded. */
export interface Connection {
  readonly closed: boolean;
  /** @throws SandboxError as the supervisor answers it, or `lost` where it answers no more */
  call(call: Call, options: CallOptions): Promise<Answer>;
  /** A connection to a port of the sandbox, which lives no longer than this one. @throws SandboxError as `call` */
  connect(port: number, deadline: number): Promise<Duplex>;
  close(): void;
}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: SandboxError): void;
  onOutput: CallOptions['onOutput'];
}

/**
 * Speaks to the supervisor at the other end of `stream`, whatever carries it.
 * @throws SandboxError `lost` where nothing answers, or something of another version; the stream is then of no more use
 */
export async function connectOver(stream: Duplex, patience: number): Promise<Connection> {
  const connection = speak(stream);
  try {
    await greet(connection, patience);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Makes sure that the supervisor answers. @throws SandboxError `lost` where it does not, or is of another version */
export async function greet(connection: Connection, patience: number): Promise<void> {
  const { value } = await connection.call({ op: 'hello' }, { deadline: patience });
  if (fieldOf(value, 'version') !== WIRE_VERSION)
    throw lost('The sandbox was started by another version of the relay');
}

export function lost(what: string, cause?: unknown): SandboxError {
  return new SandboxError('lost', `${what}.`, {
    cause,
    nextAction: 'Resume the sandbox; its files are kept.',
  });
}

function speak(socket: Duplex): Connection {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  const take = (frame: Frame): void => {
    if (channels.take(frame)) return;
    const { header, body } = frame;
    const id = fieldOf(header, 'id');
    const waiting = typeof id === 'number' ? pending.get(id) : undefined;
    if (typeof id !== 'number' || waiting === undefined) return;
    const output = fieldOf(header, 'output');
    if (output === 'stdout' || output === 'stderr') {
      waiting.onOutput?.(output, body);
      return;
    }
    pending.delete(id);
    const error = fieldOf(header, 'error');
    if (error === undefined) waiting.resolve({ value: fieldOf(header, 'value'), body });
    else waiting.reject(failureOf(error));
  };
  const read = frameReader({ header: MAX_REPLY_HEADER, body: MAX_BODY }, take);
  const sendFrame = (header: ChannelFrame | (Call & { id: number }), body?: Uint8Array): boolean => {
    if (socket.destroyed) return true;
    const [head, rest] = encodeFrame(header, body);
    socket.cork();
    socket.write(head);
    if (rest.byteLength > 0) socket.write(rest);
    socket.uncork();
    return !socket.writableNeedDrain;
  };
  const send = (id: number, call: Call, body?: Uint8Array): void => {
    sendFrame({ ...call, id }, body);
  };
  const channels = createChannels(socket, sendFrame);

  socket.on('data', (chunk) => {
    try {
      read(chunk);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined);
    }
  });
  let failure: unknown;
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => {
    for (const { reject } of pending.values()) reject(lost('The connection to the sandbox ended', failure));
    pending.clear();
  });

  const nextId = (): number => {
    lastId += 1;
    return lastId;
  };
  const ask: (id: number, ...call: Parameters<Connection['call']>) => Promise<Answer> = async (
    id,
    call,
    { body, deadline, onOutput, abort },
  ) => {
    if (socket.destroyed) throw lost('The connection to the sandbox has ended');
    const answer = new Promise<Answer>((resolve, reject) => pending.set(id, { resolve, reject, onOutput }));
    const timer = setTimeout(() => {
      pending.get(id)?.reject(lost('The sandbox does not answer'));
      pending.delete(id);
    }, deadline);
    const onAbort = (): void => {
      if (abort !== undefined && !socket.destroyed) send(0, abort.call(id));
    };
    abort?.signal.addEventListener('abort', onAbort, { once: true });
    send(id, call, body);
    if (abort?.signal.aborted) onAbort();
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      abort?.signal.removeEventListener('abort', onAbort);
    }
  };

  return {
    get closed() {
      return socket.destroyed;
    },
    close: () => {
      socket.destroy();
    },
    async call(call, options) {
      const id = nextId();
      const { input } = options;
      if (input === undefined) return ask(id, call, options);
      const channel = channels.open(id);
      const answer = ask(id, call, options);
      // What does not read its input is no failure.
      pipeline(input, channel).catch(() => {});
      return answer.finally(() => channel.destroy());
    },
    async connect(port, deadline) {
      const id = nextId();
      // Open before it is asked for: what a port says first comes right behind the answer.
      const channel = channels.open(id);
      try {
        await ask(id, { op: 'connect', port }, { deadline });
        return channel;
      } catch (error) {
        channel.destroy();
        throw error;
      }
    },
  };
}

const CODES: Record<SandboxErrorCode, true> = {
  unavailable: true,
  busy: true,
  lost: true,
  'not-found': true,
  'outside-workspace': true,
  'is-directory': true,
  'not-a-file': true,
  'too-large': true,
  changed: true,
  exists: true,
  permission: true,
  'no-space': true,
  limit: true,
  'bad-pattern': true,
  cancelled: true,
  failed: true,
};

function failureOf(error: unknown): SandboxError {
  const code = fieldOf(error, 'code');
  const message = String(fieldOf(error, 'message') ?? 'The sandbox failed.').slice(0, MAX_MESSAGE);
  return new SandboxError(isCode(code) ? code : 'failed', message);
}

function isCode(code: unknown): code is SandboxErrorCode {
  return typeof code === 'string' && Object.hasOwn(CODES, code);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
