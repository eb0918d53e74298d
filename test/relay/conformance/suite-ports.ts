import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { request } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

/** Servers inside, and the way to them. */
export const ports: Topic = (fixture) => {
  const machine = machineFor(fixture);

  /** Starts a server of Node's, whose answer to a connection is `script`; answers its port. */
  const serving = async (script: string, execId: string): Promise<number> => {
    const program = `const server = require('net').createServer({ allowHalfOpen: true }, (socket) => { ${script} });
      server.listen(0, '127.0.0.1', () => console.log(server.address().port))`;
    const told = Promise.withResolvers<number>();
    machine()
      .exec(request(['node', '-e', program], { execId, timeoutMs: 120_000 }), {
        onOutput: ({ data }) => told.resolve(Number(String(Buffer.from(data)))),
      })
      .catch(() => {}); // It ends with its machine at the latest.
    return told.promise;
  };
  const everything = async (stream: Duplex): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    await once(stream, 'end');
    return Buffer.concat(pieces);
  };
  let echo = 0;
  before(async () => {
    echo = await serving('socket.pipe(socket)', 'server:echo');
  });

  it('lists what listens, in order, as long as it does', async () => {
    const port = await serving("socket.end('x')", 'server:short');
    const during = await machine().ports();
    assert.deepEqual([during.includes(port), during.includes(echo)], [true, true]);
    assert.deepEqual(
      during,
      during.toSorted((a, b) => a - b),
    );
    await machine().killAll('server:short');
    assert.equal((await machine().ports()).includes(port), false);
  });

  it('carries bytes to and fro, and the end of each direction', async () => {
    const bytes = randomBytes(2_000_000);
    const stream = await machine().connect(echo);
    const answer = everything(stream);
    stream.end(bytes);
    assert.ok((await answer).equals(bytes));
  });

  it('keeps connections apart', async () => {
    const answers = Array.from({ length: 20 }, async (_, at) => {
      const stream = await machine().connect(echo);
      const answer = everything(stream);
      stream.end(`number ${at}`);
      return String(await answer);
    });
    assert.deepEqual(
      await Promise.all(answers),
      Array.from({ length: 20 }, (_, at) => `number ${at}`),
    );
  });

  it('ends with the server’s end', async () => {
    const port = await serving("socket.end('bye')", 'server:bye');
    assert.equal(String(await everything(await machine().connect(port))), 'bye');
  });

  it('says that nothing listens', async () => {
    const port = await serving('', 'server:gone');
    await machine().killAll('server:gone');
    await assert.rejects(machine().connect(port), { code: 'not-found' });
  });
};
