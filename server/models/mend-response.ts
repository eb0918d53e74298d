import { createParser } from 'eventsource-parser';
import { MOST_ERROR_BYTES } from './limits.ts';
import { isRecord, mendChunk } from './mend-chunk.ts';

/** The connection was open, and nothing came by it for so long that nothing is expected any more. */
export class Stalled extends Error {
  override readonly name = 'Stalled';
}

/** A success that is no answer: a proxy's or a sign-in's page. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * `fetch` for a model: what comes back is a stream as the client reads it, whatever the provider made of the protocol, or an error.
 * Of a failure (status 400 and up) its body comes as far as it is of use.
 * @param stallMs how long nothing may come
 */
export function mendingFetch(stallMs: number): typeof fetch {
  return async (input, init) => {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new Stalled()), stallMs);
    const signal = init?.signal ? AbortSignal.any([init.signal, patience.signal]) : patience.signal;
    try {
      const response = await fetch(input, { ...init, signal });
      if (response.body === null) return response;
      const headers = new Headers(response.headers);
      if (!response.ok) {
        headers.delete('content-length');
        headers.delete('content-encoding');
        const { status, statusText } = response;
        const body = await beginningOf(response.body);
        init?.signal?.throwIfAborted();
        return new Response(body, { status, statusText, headers });
      }
      const type = headers.get('content-type') ?? '';
      if (/\bhtml\b/i.test(type)) throw new NoAnswer();
      headers.set('content-type', 'text/event-stream');
      headers.delete('content-length');
      headers.delete('content-encoding');
      const body = /\bjson\b/i.test(type) && !/stream/i.test(type) ? asStream(response) : response.body;
      return new Response(mendStream(body, stallMs), { status: response.status, headers });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** What comes of a failure's body: its status says the most, so a body that is too long, or breaks off, or is given up, is as far as it came. */
async function beginningOf(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece);
      size += piece.byteLength;
      if (size >= MOST_ERROR_BYTES) break;
    }
  } catch {
    // Its status is known.
  }
  return Buffer.concat(pieces, Math.min(size, MOST_ERROR_BYTES));
}

/** An answer that came whole although a stream was asked for, as a stream of one piece. */
function asStream(response: Response): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const text = await response.text();
      controller.enqueue(
        new TextEncoder().encode(`data: ${text.replaceAll(/[\r\n]+/g, ' ')}\n\ndata: [DONE]\n\n`),
      );
      controller.close();
    },
  });
}

/**
 * Mends a stream of server-sent events piece by piece. Errors with `Stalled` where no event with data comes for `stallMs`: comments say
 * only that a proxy lives.
 */
export function mendStream(body: ReadableStream<Uint8Array>, stallMs: number): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let mended = '';
  let hasSpoken = false;
  let hasFinished = false;
  const parser = createParser({ onEvent: ({ data }) => take(data) });

  function take(data: string): void {
    if (data.trim() === '[DONE]') {
      // The provider's word that this was all, where it gives no reason.
      if (hasSpoken && !hasFinished) push({ choices: [{ delta: {}, finish_reason: 'stop' }] });
      hasFinished = true;
      return;
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
    } catch {
      // The client says that it is no JSON.
      mended += `data: ${data.replaceAll(/[\r\n]+/g, ' ')}\n\n`;
      return;
    }
    if (!isRecord(parsed)) return;
    const chunk = mendChunk(parsed);
    const { choices } = chunk;
    for (const choice of Array.isArray(choices) ? choices : []) {
      if (choice.delta !== undefined) hasSpoken = true;
      if (choice.finish_reason !== null) hasFinished = true;
    }
    push(chunk);
  }
  function push(chunk: object): void {
    mended += `data: ${JSON.stringify(chunk)}\n\n`;
  }

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const until = performance.now() + stallMs;
      while (mended === '') {
        const { done, value } = await soon(reader, until - performance.now());
        // A last event without its empty line is one all the same.
        parser.feed(done ? `${decoder.decode()}\n\n` : decoder.decode(value, { stream: true }));
        if (!done) continue;
        if (mended !== '') controller.enqueue(encoder.encode(mended));
        mended = '';
        controller.close();
        return;
      }
      controller.enqueue(encoder.encode(mended));
      mended = '';
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** The next piece. One timer for all pieces would have to be moved at each; one a piece costs a microsecond. */
async function soon(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  stallMs: number,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  const stalled = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    stalled.reject(new Stalled());
    reader.cancel().catch(() => {});
  }, stallMs);
  try {
    return await Promise.race([reader.read(), stalled.promise]);
  } finally {
    clearTimeout(timer);
  }
}
