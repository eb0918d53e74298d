import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { onFreePort } from '../../../server/engine/postgres-port.ts';
import { freePort } from '../../relay/turn/free-port.ts';

const portOf = (server: Server): number => {
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return address.port;
};

describe('a port that was free a moment ago', () => {
  let faster: Server;
  before(async () => {
    faster = createServer().listen(0, '127.0.0.1');
    await once(faster, 'listening');
  });
  after(() => faster.close());

  const listen = async (port: number): Promise<number> => {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    return port;
  };

  it('is left to whoever was faster: another one is taken', async () => {
    const free = await freePort();
    const found = [portOf(faster), free];
    assert.equal(await onFreePort(listen, async () => found.shift() ?? 0), free);
  });

  it('is not looked for again and again, and not for what has another reason', async () => {
    const tried: number[] = [];
    const find = (port: number) => async () => {
      tried.push(port);
      return port;
    };
    await assert.rejects(onFreePort(listen, find(portOf(faster))), { code: 'EADDRINUSE' });
    const broken = new Error('no binary');
    await assert.rejects(
      onFreePort(() => Promise.reject(broken), find(await freePort())),
      broken,
    );
    assert.equal(tried.length, 3 + 1);
  });
});
