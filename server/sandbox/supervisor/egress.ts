import fs from 'node:fs';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { EGRESS_FOLDER, PRESENCE_SOCKET } from '../supervised/egress-folder.ts';
import { claimPort, EGRESS_PROXY_PORT } from '../supervised/own-ports.ts';

/** Milliseconds until presence is shown again where the process outside was restarted. */
const PRESENCE_PACE = 1_000;
/** Milliseconds between two looks whether another process has taken over; far below the time after which that one gives up. */
const PRESENCE_LOOK = 3_000;

/** What a client hears while the process outside is away. */
const AWAY =
  'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThe way out of this sandbox is closed for the moment; it opens again within seconds, if a relay uses the sandbox.\n';

/**
 * Opens on this sandbox's loopback what is reachable by the sockets in `folder`; nothing, where there is no such folder.
 * @returns what commands find in their environment because of it
 */
export function openEgress(folder: string = EGRESS_FOLDER): Record<string, string> {
  const ports = egressPorts(folder);
  if (ports.length === 0) return {};
  for (const port of ports) {
    claimPort(port);
    listen(port, `${folder}/${port}`);
  }
  void showPresence(`${folder}/${PRESENCE_SOCKET}`);
  return ports.includes(EGRESS_PROXY_PORT) ? proxyVariables() : {};
}

/** The ports of loopback that lead out. */
function egressPorts(folder: string): number[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .map(Number)
    .filter((port) => Number.isInteger(port));
}

/** As programs look for them: curl reads `http_proxy` in lower case only, Node looks where it is told to. */
function proxyVariables(): Record<string, string> {
  const proxy = `http://127.0.0.1:${EGRESS_PROXY_PORT}`;
  const direct = 'localhost,127.0.0.1,::1';
  const both = (name: string, value: string): Record<string, string> => ({
    [name]: value,
    [name.toUpperCase()]: value,
  });
  return {
    ...both('http_proxy', proxy),
    ...both('https_proxy', proxy),
    ...both('no_proxy', direct),
    NODE_USE_ENV_PROXY: '1',
  };
}

function listen(port: number, path: string): void {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const outside = connect({ path, allowHalfOpen: true });
    let reached = false;
    outside.once('connect', () => {
      reached = true;
      const over = (error: unknown): void => {
        if (error) for (const side of [client, outside]) side.destroy();
      };
      pipeline(client, outside, over);
      pipeline(outside, client, over);
    });
    outside.on('error', () => {
      if (!reached && port === EGRESS_PROXY_PORT) client.end(AWAY);
      else client.destroy();
    });
    client.on('error', () => outside.destroy());
  });
  // One that cannot be opened is missed by whoever connects to it; the others are not the worse for it.
  server.on('error', () => {});
  server.listen(port, '127.0.0.1');
}

/**
 * Keeps one connection, by which the process outside knows that this sandbox runs. Another process may take over while the first
 * one lives: its socket is then another file at the same path.
 */
async function showPresence(path: string): Promise<never> {
  for (;;) {
    const shownAt = inodeOf(path);
    await new Promise<void>((resolve) => {
      const presence = connect(path)
        .on('error', () => {})
        .on('close', () => {
          clearInterval(looking);
          resolve();
        })
        .resume();
      const looking = setInterval(() => {
        if (inodeOf(path) !== shownAt) presence.destroy();
      }, PRESENCE_LOOK);
    });
    await sleep(PRESENCE_PACE);
  }
}

function inodeOf(path: string): number | undefined {
  return fs.statSync(path, { throwIfNoEntry: false })?.ino;
}
