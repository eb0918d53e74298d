import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import type { PortList, PreviewLink, PreviewOpened } from '../protocol/preview.ts';
import { SandboxError } from '../sandbox/sandbox.ts';
import { previewAddresses } from './addresses.ts';
import { ENTER_PATH } from './gate.ts';
import { createPreviewLinks } from './links.ts';
import { createLiveLinks } from './live.ts';
import { createReach, type PreviewMachines } from './reach.ts';
import { createPreviewServer } from './server.ts';
import type { PreviewStore } from './store.ts';

/** How often (ms) the use of a preview is told at most, of each task. */
const ACTIVITY_MS = 60_000;

/** Ports of tasks' sandboxes, in the person's browser. */
export interface Previews {
  ports(taskId: string): Promise<PortList>;
  /** @throws AppError `conflict` where nothing listens there, which names the ports where something does */
  open(taskId: string, wish: { port: number; minutes: number }): Promise<PreviewOpened>;
  list(taskId: string): Promise<PreviewLink[]>;
  /** At once, also for what is being loaded. @throws AppError `not_found` */
  revoke(taskId: string, previewId: string): Promise<void>;
  /** Serves the links that an earlier relay gave out, if there are any. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

export interface PreviewDeps {
  store: PreviewStore;
  machines: PreviewMachines;
  /** Called at most once a minute for a task whose preview is used. Must not throw. */
  onActivity: (taskId: string) => void;
  /** Whether an Authorization header is one of this relay's. */
  isOwnSecret: (authorization: string) => boolean;
  /** `isChosen`: no other port will do, because somebody forwards to it. */
  listen: { host: string; port: number; isChosen: boolean };
  /** Where people elsewhere find previews, with `{id}` in its host name. Absent: on this machine only. */
  previewUrl: string | undefined;
  now: () => number;
  logger: Logger;
}

export function createPreviews(deps: PreviewDeps): Previews {
  const { store, machines, now, logger } = deps;
  const addresses = previewAddresses(deps.previewUrl);
  const links = createPreviewLinks(store, now);
  const live = createLiveLinks({
    isOver: links.isOver,
    now,
    onError: (error) => logger.warn({ err: error }, 'whether a preview was revoked could not be looked up'),
  });
  const told = new Map<string, number>();
  const server = createPreviewServer({
    addresses,
    links,
    live,
    reach: createReach({
      machines,
      now,
      onWakeFailed: (taskId, error) =>
        logger.warn({ taskId, err: error }, 'a sandbox could not be woken for its preview'),
    }),
    onActivity(taskId) {
      if ((told.get(taskId) ?? -Infinity) > now() - ACTIVITY_MS) return;
      told.set(taskId, now());
      deps.onActivity(taskId);
    },
    isOwnSecret: deps.isOwnSecret,
    now,
    logger,
  });
  let listening: Promise<number> | undefined;
  /** With the first preview; a relay that nobody asks for one opens no port. */
  const serve = (): Promise<number> => {
    listening ??= listen(server, deps.listen).then(
      (port) => {
        // Such as too many open files: what is open goes on.
        server.on('error', (error) => logger.warn({ err: error }, 'a connection to a preview was not taken'));
        return port;
      },
      (error: unknown) => {
        listening = undefined;
        throw error;
      },
    );
    return listening;
  };

  const ports = async (taskId: string): Promise<PortList> => {
    try {
      const machine = await machines.find(taskId);
      return typeof machine === 'string'
        ? { sandbox: machine, ports: [] }
        : { sandbox: 'awake', ports: await machine.ports() };
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      // It fell asleep just now.
      if (error.code === 'lost') return { sandbox: 'asleep', ports: [] };
      throw unreachable(error);
    }
  };

  return {
    ports,

    async open(taskId, { port, minutes }) {
      const found = await ports(taskId);
      // One that sleeps is opened all the same: the page offers to wake it.
      if (found.sandbox === 'none') throw noSandbox();
      if (found.sandbox === 'awake' && !found.ports.includes(port)) throw nothingListens(port, found.ports);
      const at = await serve();
      const { link, key } = await links.make({ taskId, port, minutes });
      const { previewId, expiresAt } = link;
      const url = `${addresses.originOf(previewId, at)}${ENTER_PATH}?${key}`;
      return { previewId, port, expiresAt, url };
    },

    async list(taskId) {
      return (await store.ofTask(taskId, now())).map(
        ({ previewId, port, createdAt, expiresAt, cookieHash }) => ({
          previewId,
          port,
          createdAt,
          expiresAt,
          isOpened: cookieHash !== null,
        }),
      );
    },

    async revoke(taskId, previewId) {
      if (!(await store.revoke(taskId, previewId))) throw noSuchPreview();
      live.revoke(previewId);
    },

    async restore() {
      if (deps.listen.isChosen || (await store.hasOpen(now()))) await serve();
    },

    async close() {
      live.close();
      await listening?.catch(() => {});
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** The wanted port, or a free one where it is taken and nobody insists. */
async function listen(server: Server, { host, port, isChosen }: PreviewDeps['listen']): Promise<number> {
  const attempt = (wanted: number): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        if (error.code === 'EADDRINUSE') resolve(undefined);
        else reject(error);
      };
      server.once('error', failed);
      server.listen(wanted, host, () => {
        server.off('error', failed);
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : wanted);
      });
    });
  const bound = (await attempt(port)) ?? (isChosen ? undefined : await attempt(0));
  if (bound !== undefined) return bound;
  throw new AppError('not_ready', `Port ${port} on ${host}, where previews are served, is in use.`, {
    nextAction: 'Free it, or give the relay another HANDOFF_PORT: previews are served on the one after it.',
  });
}

const unreachable = (error: SandboxError): AppError =>
  new AppError('sandbox_unavailable', error.message, {
    cause: error,
    nextAction: error.nextAction ?? 'Try again in a moment.',
  });

const noSandbox = (): AppError =>
  new AppError('conflict', 'The task has no sandbox, so nothing runs in it.', {
    nextAction: 'Wait until the agent has begun, or send the task a message.',
  });

const nothingListens = (port: number, ports: number[]): AppError =>
  new AppError(
    'conflict',
    `Nothing listens on port ${port} of the task’s sandbox. ${ports.length === 0 ? 'No other port is open, either.' : `Open are: ${ports.slice(0, 20).join(', ')}.`}`,
    {
      nextAction:
        ports.length === 0
          ? 'Name the server as a service in .handoff/config.json, or look while the agent runs it: what the agent starts ends with its turn.'
          : 'Open one of these.',
    },
  );

const noSuchPreview = (): AppError =>
  new AppError('not_found', 'The task has no such preview.', {
    nextAction: 'List its previews: GET /v1/tasks/{id}/previews.',
  });
