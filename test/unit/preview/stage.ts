import { once } from 'node:events';
import { type RequestListener, Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createPreviews, type PreviewDeps, type Previews } from '../../../server/preview/previews.ts';
import type { PreviewMachines } from '../../../server/preview/reach.ts';
import { type Sandbox, SandboxError } from '../../../server/sandbox/sandbox.ts';
import { createMemoryStore } from '../../fakes/preview-store.ts';
import { enter, type Visitor } from '../../fakes/preview-visitor.ts';

export const TASK = 'task-1';

/** Previews of one task whose "sandbox" is this machine: its ports are those of the test's own servers. */
export interface Stage {
  previews: Previews;
  store: ReturnType<typeof createMemoryStore>;
  /** Milliseconds since 1970, as everything here sees it. */
  clock: { now: number };
  machine: { is: 'awake' | 'asleep' | 'none'; wakes: number; wake: () => Promise<void>; asked: number };
  activity: string[];
  log(): string;
  /** Serves what a task would; answers its port. */
  serve(listener: RequestListener | Server): Promise<number>;
  /** Serves raw TCP. */
  serveRaw(onSocket: (socket: Socket) => void): Promise<number>;
  /** Opens a preview as a browser does, and answers how it comes back. */
  visit(port: number): Promise<Visitor & { previewId: string; url: string }>;
  close(): Promise<void>;
}

export async function openStage(overrides: Partial<PreviewDeps> = {}): Promise<Stage> {
  const store = createMemoryStore();
  const clock = { now: Date.now() };
  const servers: Array<{ close(): void }> = [];
  const sockets = new Set<Socket>();
  const activity: string[] = [];
  let log = '';
  const machine: Stage['machine'] = {
    is: 'awake',
    wakes: 0,
    asked: 0,
    wake: async () => {
      machine.is = 'awake';
    },
  };
  const ports: number[] = [];
  const sandbox: Pick<Sandbox, 'ports' | 'connect'> = {
    ports: async () => [...ports].sort((a, b) => a - b),
    async connect(port) {
      if (machine.is !== 'awake') throw new SandboxError('lost', 'It is not running.');
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      try {
        await once(socket, 'connect');
      } catch (cause) {
        throw new SandboxError('not-found', 'Nothing listens.', { cause });
      }
      return socket;
    },
  };
  const machines: PreviewMachines = {
    async find() {
      machine.asked += 1;
      return machine.is === 'awake' ? (sandbox as Sandbox) : machine.is;
    },
    async wake() {
      machine.wakes += 1;
      await machine.wake();
    },
  };
  const logger = pino(
    { level: 'trace' },
    new Writable({
      write(chunk, _encoding, done) {
        log += String(chunk);
        done();
      },
    }),
  );
  const previews = createPreviews({
    store,
    machines,
    onActivity: (taskId) => void activity.push(taskId),
    isOwnSecret: (authorization) => authorization === 'Bearer relay-token',
    listen: { host: '127.0.0.1', port: 0, isChosen: false },
    previewUrl: undefined,
    now: () => clock.now,
    logger,
    ...overrides,
  });
  const track = async (server: Server | import('node:net').Server): Promise<number> => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket)).on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    ports.push(port);
    return port;
  };
  return {
    previews,
    store,
    clock,
    machine,
    activity,
    log: () => log,
    serve: (listener) => track(listener instanceof Server ? listener : new Server(listener)),
    async serveRaw(onSocket) {
      const { createServer } = await import('node:net');
      return track(createServer({ allowHalfOpen: true }, onSocket));
    },
    async visit(port) {
      const { previewId, url } = await previews.open(TASK, { port, minutes: 60 });
      return { previewId, url, ...(await enter(url)) };
    },
    async close() {
      await previews.close();
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
