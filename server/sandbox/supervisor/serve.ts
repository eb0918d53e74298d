import type { Duplex } from 'node:stream';
import { SandboxError } from '../sandbox.ts';
import { type ChannelFrame, createChannels } from '../supervised/channels.ts';
import {
  type Call,
  type CallOf,
  encodeFrame,
  frameReader,
  MAX_BODY,
  MAX_REQUEST_HEADER,
  type Reply,
  type Request,
  WIRE_VERSION,
} from '../supervised/wire.ts';
import type { Sink } from './audience.ts';
import type { Context } from './context.ts';
import { joinPort, listeningPorts, MAX_CHANNELS } from './ports.ts';

interface Answer {
  value: unknown;
  body?: Uint8Array;
}

/** One relay's connection. Its end stops its searches and its connections to ports; commands go on. */
export function serve(socket: Duplex, context: Context): void {
  const searches = new Map<number, AbortController>();
  const send = (reply: Reply | ChannelFrame, body?: Uint8Array): boolean => {
    if (socket.destroyed) return true;
    const [head, rest] = encodeFrame(reply, body);
    socket.cork();
    socket.write(head);
    const room = rest.byteLength === 0 || socket.write(rest);
    socket.uncork();
    return room;
  };
  const sinkFor = (id: number): Sink => ({
    write: (output, chunk) => send({ id, output }, chunk),
    drained: () =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        const done = (): void => {
          socket.off('drain', done).off('close', done);
          resolve();
        };
        socket.on('drain', done).on('close', done);
      }),
    get closed() {
      return socket.destroyed;
    },
    // With all that this relay asked for: it attaches to its commands again, and repeats the rest.
    close: () => socket.destroy(),
  });
  const cancellable = async (
    id: number,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<Answer> => {
    const controller = new AbortController();
    searches.set(id, controller);
    try {
      // Search results are long, so they travel as the body: headers stay small enough to bound.
      return { value: {}, body: Buffer.from(JSON.stringify(await work(controller.signal))) };
    } finally {
      searches.delete(id);
    }
  };

  const channels = createChannels(socket, send);
  const openChannel = (id: number): Duplex => {
    if (channels.count >= MAX_CHANNELS)
      throw new SandboxError('busy', `${MAX_CHANNELS} connections to programs of the sandbox are open.`);
    return channels.open(id);
  };
  const connect = async (port: number, id: number): Promise<Answer> => {
    const channel = openChannel(id);
    try {
      await joinPort(port, channel);
      return { value: {} };
    } catch (error) {
      channel.destroy();
      throw error;
    }
  };

  const { commands, files, search, scratch } = context;
  const handlers: {
    [Op in Call['op']]: (call: CallOf<Op>, body: Buffer, id: number) => Answer | Promise<Answer>;
  } = {
    hello: () => ({ value: { version: WIRE_VERSION } }),
    async exec(call, body, id) {
      const input = call.hasInput ? openChannel(id) : undefined;
      try {
        return await commands.run(call, input ?? body, call.stream ? sinkFor(id) : undefined);
      } finally {
        input?.destroy();
      }
    },
    cancel: ({ execId }) => {
      commands.cancel(execId);
      return { value: {} };
    },
    killAll: async ({ prefix }) => {
      await commands.killAll(prefix);
      return { value: {} };
    },
    output: (call) => commands.output(call),
    read: (call) => files.read(call),
    write: (call, body) => files.write(call, body),
    glob: (call, _body, id) => cancellable(id, (signal) => search.glob(call, signal)),
    grep: (call, _body, id) => cancellable(id, (signal) => search.grep(call, signal)),
    abort: ({ call }) => {
      searches.get(call)?.abort();
      return { value: {} };
    },
    putScratch: (call, body) => scratch.put(call, body),
    getScratch: (call) => scratch.get(call),
    // A list without a useful bound, so it travels as the body, too.
    ports: async () => ({ value: {}, body: Buffer.from(JSON.stringify(await listeningPorts())) }),
    connect: ({ port }, _body, id) => connect(port, id),
  };
  const handle = async <Op extends Call['op']>(
    request: CallOf<Op> & { id: number; op: Op },
    body: Buffer,
  ) => {
    try {
      const answer = await handlers[request.op](request, body, request.id);
      send({ id: request.id, value: answer.value }, answer.body);
    } catch (error) {
      const known = error instanceof SandboxError ? error : undefined;
      const message =
        known?.message ?? `The sandbox failed: ${error instanceof Error ? error.message : error}.`;
      send({ id: request.id, error: { code: known?.code ?? 'failed', message } });
    }
  };

  // Only the relay can reach this socket, and it is typed by the same file: its word is taken.
  const read = frameReader({ header: MAX_REQUEST_HEADER, body: MAX_BODY }, (frame) => {
    if (!channels.take(frame)) void handle(frame.header as Request, frame.body);
  });
  socket.on('data', (chunk) => {
    try {
      read(chunk);
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    for (const controller of searches.values()) controller.abort();
  });
}
