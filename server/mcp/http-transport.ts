import { setTimeout as delay } from 'node:timers/promises';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { LIMITS } from './limits.ts';
import type { Way } from './sandbox-transport.ts';

/**
 * Speaks to a server of the relay's owner by HTTP, at the address that the owner configured: a redirect to another origin, which would
 * be given the headers, is not followed.
 */
export function httpTransport({ url, headers }: { url: string; headers: Record<string, string> }): Way {
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers },
    redirectPolicy: 'same-origin',
    fetch: async (address, init) => bounded(await fetch(address, init)),
  });
  return {
    transport,
    ending: () => undefined,
    leave: () =>
      Promise.race([transport.terminateSession(), delay(LIMITS.goodbyeMs, undefined, { ref: false })]),
  };
}

/** A response is held in memory until its end, or until the end of an event in it. */
function bounded(response: Response): Response {
  if (response.body === null) return response;
  let seen = 0;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        if (seen > LIMITS.message) controller.error(new Error('the response is too large'));
        else controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}
