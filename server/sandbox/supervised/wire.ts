import type { SandboxErrorCode } from '../sandbox.ts';

/**
 * What relay and supervisor say to each other over the control socket. A frame is one line of JSON (the header, which
 * carries the body's length as `bytes`) and then that many raw bytes. Both ends bound what they accept.
 */

/** Bytes of a header line: what the relay may send (a long argv), and what it accepts back from a hostile sandbox. */
export const MAX_REQUEST_HEADER = 4 << 20;
export const MAX_REPLY_HEADER = 64 << 10;
/** Bytes of one body in either direction; anything larger goes in pieces of `CHUNK`. */
export const MAX_BODY = 65 << 20;
export const CHUNK = 8 << 20;
/** The most bytes that the relay takes out of a sandbox at once, in pieces; it holds them in memory. */
export const MAX_SCRATCH = 512 << 20;
/** The most bytes of one file that the file tools read or write at once. */
export const MAX_FILE = 64 << 20;

/** Changes when the two ends can no longer understand each other. */
export const WIRE_VERSION = 3;

export type StreamName = 'stdout' | 'stderr';

export interface ExecCall {
  op: 'exec';
  execId: string;
  argv: string[];
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs: number;
  maxOutputBytes: number;
  /** The body is the command's standard input; else it has none. */
  hasStdin: boolean;
  /** What comes over the channel of this call's own number (`channels.ts`) is its standard input instead. */
  hasInput: boolean;
  /** Output is wanted as it comes, from its beginning. */
  stream: boolean;
  /** The caller has given up already: stop it if it runs, and never start it. */
  cancelled: boolean;
}

export interface GlobCall {
  op: 'glob';
  pattern: string;
  path?: string;
  limit: number;
}

export interface GrepCall {
  op: 'grep';
  pattern: string;
  path?: string;
  glob?: string;
  ignoreCase?: boolean;
  limit: number;
}

export interface WriteCall {
  op: 'write';
  path: string;
  expected?: string | null;
}

export type Call =
  | { op: 'hello' }
  | ExecCall
  | { op: 'cancel'; execId: string }
  | { op: 'killAll'; prefix: string }
  /** One piece of what a command printed. */
  | { op: 'output'; execId: string; stream: StreamName; offset: number; length: number }
  | { op: 'read'; path: string; range?: { offset: number; length: number } }
  | WriteCall
  | GlobCall
  | GrepCall
  /** Stops the search which this connection asked for under the id `call`. */
  | { op: 'abort'; call: number }
  /** One piece of a scratch file; the file appears, whole, with its `last` piece. */
  | { op: 'putScratch'; name: string; offset: number; last: boolean }
  | { op: 'getScratch'; name: string; offset: number }
  | { op: 'ports' }
  /** Opens the channel of this call's own number (`channels.ts`) to a port on loopback. */
  | { op: 'connect'; port: number };

export type CallOf<Op extends Call['op']> = Extract<Call, { op: Op }>;

/** A call's header, with the number that its answers carry. */
export type Request = Call & { id: number };

/** An answer: output on the way (`output`), and at last either `value` or `error`. */
export type Reply =
  | { id: number; output: StreamName }
  | { id: number; value: unknown }
  | { id: number; error: { code: SandboxErrorCode; message: string } };

/** How a command ended, as recorded and as answered. The body holds head and tail of stdout, then those of stderr. */
export interface ExecOutcome {
  exitCode: number | null;
  reason: 'exit' | 'timeout' | 'cancelled' | 'lost';
  durationMs: number;
  stdout: OutputShape;
  stderr: OutputShape;
}
export interface OutputShape {
  headBytes: number;
  tailBytes: number;
  omittedBytes: number;
}

export interface Frame {
  header: unknown;
  body: Buffer;
}

const EMPTY = Buffer.alloc(0);

/** A frame as it goes over the wire. */
export function encodeFrame(header: object, body: Uint8Array = EMPTY): [head: Buffer, body: Uint8Array] {
  return [Buffer.from(`${JSON.stringify({ ...header, bytes: body.byteLength })}\n`), body];
}

/**
 * Takes bytes as they arrive and hands out whole frames.
 * @throws where the other side breaks the protocol or a limit; the connection is then of no more use
 */
export function frameReader(
  limits: { header: number; body: number },
  onFrame: (frame: Frame) => void,
): (chunk: Buffer) => void {
  let line: Buffer[] = [];
  let lineBytes = 0;
  let open: { header: unknown; body: Buffer; filled: number } | undefined;

  const headerEnds = (): void => {
    const header: unknown = JSON.parse(Buffer.concat(line).toString('utf8'));
    line = [];
    lineBytes = 0;
    const bytes =
      typeof header === 'object' && header !== null && 'bytes' in header ? header.bytes : undefined;
    if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0 || bytes > limits.body)
      throw new Error(`a frame's length must be 0 to ${limits.body} bytes`);
    if (bytes === 0) onFrame({ header, body: EMPTY });
    else open = { header, body: Buffer.allocUnsafe(bytes), filled: 0 };
  };

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (open !== undefined) {
        const copied = chunk.copy(open.body, open.filled, at);
        at += copied;
        open.filled += copied;
        if (open.filled < open.body.length) return;
        const { header, body } = open;
        open = undefined;
        onFrame({ header, body });
        continue;
      }
      const end = chunk.indexOf(0x0a, at);
      const part = chunk.subarray(at, end === -1 ? chunk.length : end);
      lineBytes += part.length;
      if (lineBytes > limits.header) throw new Error(`a frame's header exceeds ${limits.header} bytes`);
      line.push(part);
      at += part.length + 1;
      if (end !== -1) headerEnds();
    }
  };
}
