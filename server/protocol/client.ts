import { createParser } from 'eventsource-parser';
import type * as z from 'zod';
import { agentCalls } from './agent-client.ts';
import type { Asking } from './asking.ts';
import {
  AnswerAccepted,
  type AnswerQuestion,
  type CreateTask,
  type EditMessage,
  MessageAccepted,
  type SendMessage,
  SourceUploaded,
  StopAnswer,
  TaskCreated,
  TaskImported,
  type Warm,
} from './commands.ts';
import { commentCalls } from './comments-client.ts';
import { ErrorBody, type ErrorCode } from './errors.ts';
import { firstSeq, TaskEvent } from './events.ts';
import { followCalls } from './follow-client.ts';
import { Health, Ready } from './health.ts';
import { previewCalls } from './preview-client.ts';
import { publishCalls } from './publish-client.ts';
import {
  BlobsRead,
  Changes,
  type EditProposal,
  type PatchReview,
  ProposalEdited,
  type PutReview,
  ReviewRecorded,
} from './review.ts';
import { rollbackCalls } from './rollback-client.ts';
import { secretCalls } from './secrets-client.ts';
import { SlashCommands } from './slash-commands.ts';
import { TaskList, TaskState } from './task.ts';
import { unattendedCalls } from './unattended-client.ts';
import { updateCalls } from './update-client.ts';
import { UsageReport } from './usage.ts';

/** The relay said no, or could not be reached (`unreachable`, status 0). Match on `code`, never on `message`. */
export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: ErrorCode | 'unreachable';
  /** Of the HTTP answer; 0 where there was none. */
  readonly status: number;
  readonly nextAction: string | undefined;
  readonly requestId: string | undefined;
  constructor(
    code: ErrorCode | 'unreachable',
    message: string,
    options: { status?: number; nextAction?: string; requestId?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.nextAction = options.nextAction;
    this.requestId = options.requestId;
  }
}

export interface RelayClientOptions {
  /** The relay's address, such as `http://127.0.0.1:7420`. */
  url: string;
  token: string;
  fetch?: typeof fetch;
  /** A stream this long without a byte is dead, in ms. The relay writes a heartbeat every 10 s. */
  silenceMs?: number;
  /** The longest wait before connecting again, in ms. */
  maxBackoffMs?: number;
}

export interface FollowOptions {
  /** Ends following; the promise then resolves. */
  signal: AbortSignal;
  /** Called in order of `seq`, once each, without a gap. */
  onEvent: (event: TaskEvent) => void;
  onState?: (state: 'connected' | 'reconnecting') => void;
}

export type RelayClient = ReturnType<typeof createRelayClient>;

const ANSWER_MS = 30_000;
/** For what moves packs over a network: uploads and pushes. */
const TRANSFER_MS = 300_000;
const SILENCE_MS = 25_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;

interface Request {
  method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  json?: unknown;
  bytes?: Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
  /** Without the token. */
  anonymous?: boolean;
  signal?: AbortSignal;
  timeoutMs?: number;
}

/**
 * The relay's HTTP API as functions. Every answer is checked against its schema, every failure is a `RelayError`.
 * Runs wherever `fetch` does.
 */
export function createRelayClient(options: RelayClientOptions) {
  const base = options.url.replace(/\/+$/, '');
  const doFetch = options.fetch ?? fetch;
  const authorization = { authorization: `Bearer ${options.token}` };
  const task = (id: string, rest = '') => `/v1/tasks/${encodeURIComponent(id)}${rest}`;
  const message = (id: string, messageId: string) => task(id, `/messages/${encodeURIComponent(messageId)}`);

  /** Resolves with a 2xx answer. An abort of `signal` by the caller rejects with its reason. */
  async function request(path: string, options: Request = {}) {
    const { method, json, bytes, headers, anonymous, signal, timeoutMs } = options;
    const timeout = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
    const init: RequestInit = {
      headers: {
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bytes === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        ...(anonymous ? {} : authorization),
        ...headers,
      },
      ...(method === undefined ? {} : { method }),
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(bytes === undefined ? {} : { body: bytes }),
      signal: AbortSignal.any([...(signal ? [signal] : []), ...timeout]),
    };
    let answer: Response;
    try {
      answer = await doFetch(base + path, init);
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(base, cause);
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  async function read<Schema extends z.ZodType>(schema: Schema, path: string, init: Request = {}) {
    const answer = await request(path, { timeoutMs: ANSWER_MS, ...init });
    const body: unknown = await answer.json().catch((cause: unknown) => {
      throw unreachable(base, cause);
    });
    return understood(schema, body);
  }

  const asking: Asking = {
    task,
    request: (path, init) => request(path, { timeoutMs: ANSWER_MS, ...init }),
    read,
  };

  return {
    /** Sent without the token: whoever listens at the address is not known yet. */
    health: () => read(Health, '/v1/health', { anonymous: true, timeoutMs: 5000 }),
    ready: () => read(Ready, '/v1/ready'),
    /** @param since milliseconds since 1970 */
    usage: (since = 0) => read(UsageReport, `/v1/usage?since=${since}`),

    /** Nothing has to come of it. */
    warm: async (body: Warm): Promise<void> => {
      await request('/v1/warm', { method: 'POST', json: body, timeoutMs: ANSWER_MS });
    },
    createTask: (body: CreateTask) => read(TaskCreated, '/v1/tasks', { method: 'POST', json: body }),
    listTasks: (cursor?: string) =>
      read(TaskList, `/v1/tasks${cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`}`),
    getTask: (id: string) => read(TaskState, task(id)),
    sendMessage: (id: string, body: SendMessage) =>
      read(MessageAccepted, task(id, '/messages'), { method: 'POST', json: body }),
    /** Refused with `already_delivered` once the agent has read it. */
    editMessage: async (id: string, messageId: string, body: EditMessage): Promise<void> => {
      await request(message(id, messageId), { method: 'PATCH', json: body, timeoutMs: ANSWER_MS });
    },
    withdrawMessage: async (id: string, messageId: string): Promise<void> => {
      await request(message(id, messageId), { method: 'DELETE', timeoutMs: ANSWER_MS });
    },
    /** The same answer twice is one; another one to a question that was answered is refused with `question_closed`. */
    answer: (id: string, body: AnswerQuestion) =>
      read(AnswerAccepted, task(id, '/answers'), { method: 'POST', json: body }),
    stop: (id: string) => read(StopAnswer, task(id, '/stop'), { method: 'POST', json: {} }),
    archive: async (id: string): Promise<void> => {
      await request(task(id), { method: 'DELETE', timeoutMs: ANSWER_MS });
    },

    /** @param tree the accepted one, for what differs between the base and that; the proposal where it is absent */
    changes: (id: string, tree?: string) =>
      read(Changes, task(id, tree === undefined ? '/changes' : `/changes?tree=${encodeURIComponent(tree)}`)),
    blob: async (id: string, oid: string): Promise<Uint8Array> => {
      const answer = await request(task(id, `/blobs/${encodeURIComponent(oid)}`), { timeoutMs: TRANSFER_MS });
      return new Uint8Array(await answer.arrayBuffer());
    },
    /** Many contents at once; those that the answer does not carry are asked for again. */
    blobs: (id: string, oids: string[]) =>
      read(BlobsRead, task(id, '/blobs'), { method: 'POST', json: { oids }, timeoutMs: TRANSFER_MS }),
    /** Unified diff from the base to `tree`; to the proposal where `tree` is absent. Bytes, because the lines in it may be in any encoding. */
    patch: async (id: string, tree?: string): Promise<Uint8Array> => {
      const query = tree === undefined ? '' : `?tree=${encodeURIComponent(tree)}`;
      const response = await request(task(id, `/patch${query}`), { timeoutMs: TRANSFER_MS });
      return new Uint8Array(await response.arrayBuffer());
    },
    putReview: (id: string, body: PutReview) =>
      read(ReviewRecorded, task(id, '/review'), { method: 'PUT', json: body }),
    patchReview: (id: string, body: PatchReview) =>
      read(ReviewRecorded, task(id, '/review'), { method: 'PATCH', json: body }),
    editProposal: (id: string, body: EditProposal) =>
      read(ProposalEdited, task(id, '/proposal/files'), { method: 'PUT', json: body }),
    /** @param bundle a Git bundle */
    uploadSource: (bundle: Uint8Array<ArrayBuffer>) =>
      read(SourceUploaded, '/v1/sources', { method: 'POST', bytes: bundle, timeoutMs: TRANSFER_MS }),

    /** The whole of a task as one file: its record, its conversation and its Git objects. */
    exportTask: async (id: string): Promise<Uint8Array> => {
      const answer = await request(task(id, '/export'), { timeoutMs: TRANSFER_MS });
      return new Uint8Array(await answer.arrayBuffer());
    },
    /** @param file what `exportTask` gave, of this relay or another */
    importTask: (file: Uint8Array<ArrayBuffer>) =>
      read(TaskImported, '/v1/tasks/import', { method: 'POST', bytes: file, timeoutMs: TRANSFER_MS }),

    ...agentCalls(asking),
    /** What a message of the task may begin with. */
    commands: (id: string) => read(SlashCommands, task(id, '/commands')),
    ...commentCalls(asking),
    ...previewCalls(asking),
    ...publishCalls(asking),
    ...followCalls(asking),
    ...rollbackCalls(asking),
    ...updateCalls(asking),
    ...unattendedCalls(asking),
    secrets: secretCalls(asking),

    /**
     * Follows a task's events from after `after` until aborted: connects again with growing waits when the stream ends,
     * breaks, falls silent or skips a number; drops what was seen. Throws `RelayError` where trying again cannot help:
     * the relay refuses (4xx) or sends an event that this version does not know.
     */
    async events(id: string, after: number, { signal, onEvent, onState }: FollowOptions): Promise<void> {
      let cursor = after;
      let failures = 0;
      while (!signal.aborted) {
        const stream = await open(id, cursor, signal);
        if (stream) onState?.('connected');
        for await (const found of stream ?? []) {
          if (found === 'heartbeat') {
            failures = 0;
            continue;
          }
          const event = understood(TaskEvent, found);
          if (event.seq <= cursor) continue;
          if (firstSeq(event) > cursor + 1) break;
          cursor = event.seq;
          failures = 0;
          onEvent(event);
          if (signal.aborted) return;
        }
        if (signal.aborted) return;
        onState?.('reconnecting');
        await pause(backoff(failures++, options.maxBackoffMs ?? MAX_BACKOFF_MS), signal);
      }
    },
  };

  /** The stream's contents, or nothing where it could not be had now but may be later. */
  async function open(id: string, cursor: number, signal: AbortSignal) {
    const connection = new AbortController();
    const stop = () => connection.abort();
    signal.addEventListener('abort', stop, { once: true });
    const close = () => {
      connection.abort();
      signal.removeEventListener('abort', stop);
    };
    const silent = setTimeout(stop, options.silenceMs ?? SILENCE_MS);
    try {
      const answer = await request(task(id, `/events?after=${cursor}`), {
        headers: { accept: 'text/event-stream', 'last-event-id': String(cursor) },
        signal: connection.signal,
      });
      if (answer.body === null) return close();
      return contents(answer.body, options.silenceMs ?? SILENCE_MS, connection.signal, close);
    } catch (error) {
      close();
      if (error instanceof RelayError && isFinal(error.status)) throw error;
      return undefined;
    } finally {
      clearTimeout(silent);
    }
  }
}

/** Events (as parsed JSON) and heartbeats, until the stream ends, breaks or is silent for too long. */
async function* contents(
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
  signal: AbortSignal,
  close: () => void,
): AsyncGenerator<unknown> {
  let arrived: unknown[] = [];
  const parser = createParser({
    onEvent: ({ data }) => arrived.push(parseJson(data)),
    onComment: () => arrived.push('heartbeat'),
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    while (!signal.aborted) {
      const timer = setTimeout(close, silenceMs);
      const chunk = await reader.read().catch(() => undefined);
      clearTimeout(timer);
      if (chunk?.value === undefined) return;
      parser.feed(decoder.decode(chunk.value, { stream: true }));
      yield* arrived;
      arrived = [];
    }
  } finally {
    close();
  }
}

/** A refusal that the same request will meet again: not "too early", not "slow down", not the relay's own trouble. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

/** Doubles from a quarter second, and spreads over its upper half so that clients do not come back all at once. */
function backoff(failures: number, maxMs: number): number {
  const full = Math.min(maxMs, FIRST_BACKOFF_MS * 2 ** Math.min(failures, 16));
  return full / 2 + (Math.random() * full) / 2;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function understood<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RelayError(
    'incompatible_client',
    'The relay answered something that this version does not understand.',
    {
      nextAction: 'Update Handoff so that editor and relay are of the same version, then restart the relay.',
      cause: parsed.error,
    },
  );
}

function unreachable(base: string, cause: unknown): RelayError {
  const slow = cause instanceof DOMException && cause.name === 'TimeoutError';
  return new RelayError(
    'unreachable',
    `The relay at ${base} ${slow ? 'did not answer in time' : 'cannot be reached'}.`,
    {
      nextAction: 'Check that the relay runs and that its address is right, then try again.',
      cause,
    },
  );
}

/** The relay's own words where the answer has them; a proxy's page has none. */
async function refusal(answer: Response): Promise<RelayError> {
  const body = ErrorBody.safeParse(parseJson(await answer.text().catch(() => '')));
  const { status } = answer;
  if (!body.success) {
    return new RelayError(
      status === 401 ? 'unauthorized' : status === 404 ? 'not_found' : 'internal',
      `The relay answered ${status}.`,
      {
        status,
        nextAction: 'Check that the address is that of a Handoff relay; its log has the details.',
      },
    );
  }
  const { code, message, nextAction, requestId } = body.data;
  return new RelayError(code, message, {
    status,
    requestId,
    ...(nextAction === undefined ? {} : { nextAction }),
  });
}
