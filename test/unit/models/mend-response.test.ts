import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { MOST_ERROR_BYTES } from '../../../server/models/limits.ts';
import { mendingFetch, mendStream, Stalled } from '../../../server/models/mend-response.ts';

const STALL_MS = 60;

describe('how long a provider is waited for', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  async function answered(answer: (response: ServerResponse) => void): Promise<Response> {
    const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    return mendingFetch(STALL_MS)(`http://127.0.0.1:${address.port}/`);
  }

  it('is not longer for comments, which go on without an end', async () => {
    let ticks: NodeJS.Timeout | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        ticks = setInterval(() => controller.enqueue(new TextEncoder().encode(': wait\n\n')), 5);
      },
      cancel: () => clearInterval(ticks),
    });
    closing.push(() => clearInterval(ticks));
    await assert.rejects(mendStream(body, STALL_MS).getReader().read(), Stalled);
  });

  it('ends for the body of a failure, whose status counts all the same', async () => {
    const response = await answered((answer) => {
      answer.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
      answer.write('{"error":');
    });
    assert.deepEqual(
      [response.status, response.headers.get('retry-after'), await response.text()],
      [429, '7', '{"error":'],
    );
  });

  it('does not last until the end of a body that is too long', async () => {
    const response = await answered((answer) => {
      answer.writeHead(500);
      const more = (): void => {
        while (answer.write('x'.repeat(10_000)));
        answer.once('drain', more);
      };
      more();
    });
    assert.equal(await response.text(), 'x'.repeat(MOST_ERROR_BYTES));
  });
});
