import * as z from 'zod';
import {
  type BoundedOutput,
  type ExecRequest,
  type ExecResult,
  type ExecStream,
  type Sandbox,
  type SandboxCaps,
  SandboxError,
  type SandboxRef,
  type SearchResult,
} from '../sandbox.ts';
import type { Answer, CallOptions, Connection } from './connection.ts';
import type { Places } from './places.ts';
import { type Call, CHUNK, MAX_FILE, MAX_SCRATCH } from './wire.ts';

/** Milliseconds that the supervisor has for what takes it a moment, and for reporting a command whose time is over. */
const DEADLINE = 60_000;
const SEARCH_DEADLINE = 120_000;
const EXEC_SLACK = 30_000;
/** Node's timers overflow beyond this. */
const MAX_DEADLINE = 2 ** 31 - 1;

const bytes = z.number().int().min(0);
const Shape = z.object({ headBytes: bytes, tailBytes: bytes, omittedBytes: bytes });
const Outcome = z.object({
  exitCode: z.number().int().nullable(),
  reason: z.enum(['exit', 'timeout', 'cancelled', 'lost']),
  durationMs: z.number().min(0),
  stdout: Shape,
  stderr: Shape,
});
const ReadValue = z.object({ size: bytes, sha256: z.string().length(64) });
const WriteValue = z.object({ sha256: z.string().length(64) });
const SizeValue = z.object({ size: bytes });
const Ports = z.array(z.number().int().min(1).max(65_535)).max(65_535);
const Paths = z.object({ matches: z.array(z.string()), truncated: z.boolean() });
const Lines = z.object({
  matches: z.array(z.object({ path: z.string(), line: z.number().int(), text: z.string() })),
  truncated: z.boolean(),
});

/** What differs between the sandboxes that have Handoff's supervisor inside. */
export interface SupervisedSandbox {
  ref: SandboxRef;
  caps: SandboxCaps;
  places: Pick<Places, 'workspace' | 'scratch'>;
  /** Gives the connection to the supervisor, a new one where the last has ended. */
  connection: () => Promise<Connection>;
}

/** A sandbox whose supervisor does all that is asked of it; how it is reached is the adapter's affair. */
export function supervisedSandbox({ ref, caps, places, connection }: SupervisedSandbox): Sandbox {
  const call = async (what: Call, options: CallOptions): Promise<Answer> =>
    (await connection()).call(what, options);

  return {
    ref,
    workdir: places.workspace,
    scratchdir: places.scratch,
    caps,

    exec: async (request, options = {}) =>
      decodeExec(
        await call(execCall(request, options), execOptions(request, options)),
        request.maxOutputBytes,
      ),

    async readFile(path, range) {
      const asked = range === undefined ? {} : { range };
      const { value, body } = await call({ op: 'read', path, ...asked }, { deadline: DEADLINE });
      if (range !== undefined && body.byteLength > range.length) throw nonsense();
      return { data: body, ...checked(ReadValue, value) };
    },

    async writeFile({ path, data, expected }) {
      if (data.byteLength > MAX_FILE) {
        throw new SandboxError('too-large', `${path} would be larger than ${MAX_FILE >> 20} MiB.`);
      }
      const condition = expected === undefined ? {} : { expected };
      const { value } = await call({ op: 'write', path, ...condition }, { body: data, deadline: DEADLINE });
      return checked(WriteValue, value);
    },

    async glob({ signal, ...request }) {
      const answer = await call({ op: 'glob', ...request }, searchOptions(signal));
      return atMost(request.limit, parsed(Paths, answer));
    },

    async grep({ signal, ...request }) {
      const answer = await call({ op: 'grep', ...request }, searchOptions(signal));
      return atMost(request.limit, parsed(Lines, answer));
    },

    async killAll(prefix) {
      await call({ op: 'killAll', prefix }, { deadline: DEADLINE });
    },

    async readOutput(execId, stream, { offset, length }) {
      if (![offset, length].every((count) => Number.isSafeInteger(count) && count >= 0))
        throw new SandboxError('failed', 'A range of output is given by two whole numbers, not below 0.');
      const pieces: Buffer[] = [];
      for (let at = offset; ; ) {
        const asked = { op: 'output', execId, stream, offset: at, length: offset + length - at } as const;
        const { value, body } = await call(asked, { deadline: DEADLINE });
        pieces.push(body);
        at += body.byteLength;
        const { size } = checked(SizeValue, value);
        if (body.byteLength === 0 || at >= Math.min(offset + length, size))
          return { data: Buffer.concat(pieces).subarray(0, length), size };
      }
    },

    ports: async () => parsed(Ports, await call({ op: 'ports' }, { deadline: DEADLINE })),
    connect: async (port) => (await connection()).connect(port, DEADLINE),

    async putScratch(name, data) {
      for (let offset = 0; offset === 0 || offset < data.byteLength; offset += CHUNK) {
        const last = offset + CHUNK >= data.byteLength;
        const body = data.subarray(offset, offset + CHUNK);
        await call({ op: 'putScratch', name, offset, last }, { body, deadline: DEADLINE });
      }
    },

    async getScratch(name) {
      const pieces: Buffer[] = [];
      for (let offset = 0; ; ) {
        const { value, body } = await call({ op: 'getScratch', name, offset }, { deadline: DEADLINE });
        const { size } = checked(SizeValue, value);
        pieces.push(body);
        offset += body.byteLength;
        // Commands can write there, too: neither what it says nor how it grows is taken on trust.
        if (Math.max(size, offset) > MAX_SCRATCH) throw tooLarge(name);
        if (offset >= size || body.byteLength === 0) return Buffer.concat(pieces);
      }
    },
  };
}

interface ExecOptions {
  signal?: AbortSignal;
  onOutput?: (chunk: ExecStream) => void;
  input?: AsyncIterable<Uint8Array>;
}

function execCall(request: ExecRequest, { signal, onOutput, input }: ExecOptions): Call {
  const { stdin, ...rest } = request;
  return {
    op: 'exec',
    ...rest,
    hasStdin: stdin !== undefined,
    hasInput: input !== undefined,
    stream: onOutput !== undefined,
    cancelled: signal?.aborted ?? false,
  };
}

function execOptions(
  { execId, stdin, timeoutMs }: ExecRequest,
  { signal, onOutput, input }: ExecOptions,
): CallOptions {
  return {
    deadline: Math.min(timeoutMs + EXEC_SLACK, MAX_DEADLINE),
    ...(stdin === undefined ? {} : { body: stdin }),
    ...(input === undefined ? {} : { input }),
    ...(onOutput === undefined ? {} : { onOutput: (name, data) => onOutput({ name, data }) }),
    ...(signal === undefined ? {} : { abort: { signal, call: () => ({ op: 'cancel', execId }) } }),
  };
}

function searchOptions(signal: AbortSignal | undefined): CallOptions {
  if (signal === undefined) return { deadline: SEARCH_DEADLINE };
  // Word of it would come after the call, and a search may be faster.
  if (signal.aborted) throw new SandboxError('cancelled', 'The search was stopped.');
  return { deadline: SEARCH_DEADLINE, abort: { signal, call: (id) => ({ op: 'abort', call: id }) } };
}

function decodeExec({ value, body }: Answer, maxOutputBytes: number): ExecResult {
  const { stdout, stderr, ...how } = checked(Outcome, value);
  const border = stdout.headBytes + stdout.tailBytes;
  if (border + stderr.headBytes + stderr.tailBytes !== body.byteLength) throw nonsense();
  return {
    ...how,
    stdout: bounded(body.subarray(0, border), stdout, maxOutputBytes),
    stderr: bounded(body.subarray(border), stderr, maxOutputBytes),
  };
}

/** Never more than was asked for, whatever the sandbox sends. */
function bounded(
  kept: Buffer,
  { headBytes, omittedBytes }: z.infer<typeof Shape>,
  most: number,
): BoundedOutput {
  const head = kept.subarray(0, headBytes);
  const tail = kept.subarray(headBytes);
  if (kept.byteLength <= most) return { head, tail, omittedBytes };
  const shorter = {
    head: head.subarray(0, Math.ceil(most / 2)),
    tail: tail.subarray(Math.max(0, tail.byteLength - Math.floor(most / 2))),
  };
  const cut = kept.byteLength - shorter.head.byteLength - shorter.tail.byteLength;
  return { ...shorter, omittedBytes: omittedBytes + cut };
}

/** As `bounded`, of what was found. */
function atMost<Match>(limit: number, { matches, truncated }: SearchResult<Match>): SearchResult<Match> {
  return { matches: matches.slice(0, limit), truncated: truncated || matches.length > limit };
}

const tooLarge = (name: string): SandboxError =>
  new SandboxError('too-large', `${name} is larger than ${MAX_SCRATCH >> 20} MiB.`, {
    nextAction: 'Keep big generated files out of the workspace, or name them in .gitignore.',
  });

/** What was too long for a header travels as the body. */
function parsed<Value>(shape: z.ZodType<Value>, { body }: Answer): Value {
  let found: unknown;
  try {
    found = JSON.parse(body.toString('utf8'));
  } catch {
    throw nonsense();
  }
  return checked(shape, found);
}

function checked<Value>(shape: z.ZodType<Value>, value: unknown): Value {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw nonsense();
  return parsed.data;
}

/** Something in the sandbox has got hold of its supervisor. */
function nonsense(): SandboxError {
  return new SandboxError('failed', 'The sandbox answered something that makes no sense.', {
    nextAction: 'Stop the task, or resume the sandbox to start it afresh.',
  });
}
