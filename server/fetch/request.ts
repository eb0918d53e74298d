import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { reach, Unreached, type World } from '../sandbox/local/egress/reach.ts';
import type { NetworkPolicy } from '../sandbox/sandbox.ts';
import { FetchProblem } from './problem.ts';

/** What may be reached, and how. */
export interface Ways {
  policy: NetworkPolicy;
  world: World;
  /** Certificates that are believed besides those of Node. */
  ca?: string;
}

const HEADERS = {
  accept: 'text/html, text/markdown, text/plain, application/json, */*;q=0.5',
  'accept-encoding': 'gzip, deflate, br',
  'user-agent': 'Handoff (fetch tool of a coding agent)',
};

/**
 * Asks for one URL. Its host is looked up once, all of its addresses must be public, and the connection is made to one of them; no
 * credential of anybody's goes with it. @throws {FetchProblem} where the policy does not let it, or nobody answers
 */
export async function get(url: URL, ways: Ways, signal: AbortSignal): Promise<IncomingMessage> {
  const socket = await open(url, ways, signal);
  const close = (): void => void socket.destroy();
  signal.addEventListener('abort', close, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', close));
  try {
    signal.throwIfAborted();
    const stream = url.protocol === 'https:' ? await secured(socket, url, ways) : socket;
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = httpRequest({
        path: `${url.pathname}${url.search}`,
        headers: { ...HEADERS, host: url.host, connection: 'close' },
        setHost: false,
        createConnection: () => stream,
      });
      asked.once('response', resolve).once('error', reject).end();
    });
  } catch (error) {
    socket.destroy();
    if (signal.aborted || error instanceof FetchProblem) throw error;
    throw new FetchProblem(`${url.host} gave no answer: ${reasonOf(error)}.`);
  }
}

async function open(url: URL, { policy, world }: Ways, signal: AbortSignal): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const opening = reach(policy, { host, port }, world);
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([opening, stopped.promise]);
  } catch (error) {
    opening.then((late) => late.destroy()).catch(() => {});
    throw error instanceof Unreached ? new FetchProblem(whyNot(error, host, port)) : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function whyNot({ why, message }: Unreached, host: string, port: number): string {
  switch (why) {
    case 'name':
      return `This task may not reach ${host}. The person allows hosts by the relay's setting HANDOFF_NETWORK (and .handoff/config.json may narrow it). Go on without it, or say that it is needed.`;
    case 'port':
      return `This task may reach ${host} on ports 80 and 443, not ${port}.`;
    case 'address':
      return `${host} has an address that is not public: no address of this machine or its networks is fetched from. To reach a server in the workspace use bash (curl).`;
    default:
      return message;
  }
}

function secured(socket: Socket, url: URL, { ca }: Ways): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const name = isIP(url.hostname) === 0 ? { servername: url.hostname } : {};
    const stream = connectTls({ socket, ...name, ...(ca === undefined ? {} : { ca }) });
    stream.once('secureConnect', () => {
      stream.off('error', reject);
      resolve(stream);
    });
    stream.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** By its code where it has one: messages of the TLS library are long. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
