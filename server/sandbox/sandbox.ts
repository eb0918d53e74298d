import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../protocol/errors.ts';

/** What a machine is created for, and as what. Remembered by the provider: a resumed machine is as it was created. */
export interface SandboxSpec {
  /** Becomes its name and label at the vendor. A task has one machine at a time. */
  taskId: string;
  /** Image, or the vendor's name of one. Absent: the adapter's own choice. Adapters without images refuse one. */
  image?: string;
  resources?: SandboxResources;
  /** Absent: none. An adapter that cannot enforce what is asked fails instead of giving more. */
  network?: NetworkPolicy;
  /** A prebuilt machine to begin as a copy of, instead of empty. */
  from?: SnapshotRef;
}

/** Upper limits; what an adapter cannot enforce shows in `caps.limits`. */
export interface SandboxResources {
  cpus?: number;
  memoryMiB?: number;
  /** Of everything that the sandbox writes to disk. */
  diskMiB?: number;
}

/**
 * Where a sandbox may connect to. `domains` are host names, lower case; `*.example.com` is every name below it. Only the ports of
 * `forwards` and, by HTTP proxy, 80 and 443 of the domains are reachable; never an address that is not public.
 */
export type NetworkPolicy =
  | { mode: 'none'; forwards?: PortForward[] }
  | { mode: 'allow-list'; domains: string[]; forwards?: PortForward[] }
  | { mode: 'open' };

/** A server of the relay's owner that a sandbox reaches on its own loopback, such as the database of its task. */
export interface PortForward {
  /** Inside, on 127.0.0.1. */
  port: number;
  to: { host: string; port: number };
}

/** Names a machine at its provider. Plain data: it is stored, and outlives the process that made it. */
export interface SandboxRef {
  provider: string;
  id: string;
}

/** Names what machines can be made from. Plain data, as `SandboxRef`. */
export interface SnapshotRef {
  provider: string;
  id: string;
}

/**
 * The provider's word on a machine, polled; what the relay remembers is never more true than this. `starting` and `stopping` are on
 * their way and worth asking again. `archived` sleeps where waking takes minutes. `gone` is certain, never a guess.
 */
export type ProviderState =
  | 'starting'
  | 'running'
  | 'stopping'
  | 'hibernated'
  | 'archived'
  | 'gone'
  | 'failed';

/** What a sandbox really enforces, disclosed so that nobody has to guess. */
export interface SandboxCaps {
  /** `namespaces`: own kernel namespaces on a shared kernel. `container`, `vm`: as the vendor says. */
  isolation: 'namespaces' | 'container' | 'vm';
  /** Output arrives byte for byte, stdout apart from stderr. */
  byteExactOutput: boolean;
  /** A command goes on, and can be attached to, when the relay has died. */
  attach: boolean;
  network: NetworkPolicy['mode'];
  /** Which limits hold by force, and not only by being watched. */
  limits: { processes: boolean; cpus: boolean; memory: boolean; disk: boolean };
}

/** A command. Its `execId` is its identity: starting the same one again attaches to the first. */
export interface ExecRequest {
  /** Unique in the sandbox; `turnId:callId` for a tool call. */
  execId: string;
  /** Run as it is, without a shell. */
  argv: string[];
  /** Relative to the workspace, or absolute inside the sandbox. */
  cwd?: string;
  env?: Record<string, string>;
  stdin?: Uint8Array;
  /** Milliseconds; at the end of it the whole process group is killed and what was printed is returned. */
  timeoutMs: number;
  /** Of each stream, how many bytes are returned at most: the first half and the last half. */
  maxOutputBytes: number;
}

export interface ExecStream {
  name: 'stdout' | 'stderr';
  data: Uint8Array;
}

/** One stream's bounded output: `head`, then `omittedBytes` that are not here, then `tail`. */
export interface BoundedOutput {
  head: Uint8Array;
  tail: Uint8Array;
  omittedBytes: number;
}

export interface ExecResult {
  /** Null where a signal ended it. */
  exitCode: number | null;
  reason: 'exit' | 'timeout' | 'cancelled' | 'lost';
  stdout: BoundedOutput;
  stderr: BoundedOutput;
  durationMs: number;
}

export interface FileContent {
  data: Uint8Array;
  /** Size of the whole file, of which `data` may be a part. */
  size: number;
  /** SHA-256 of the whole file, hex. */
  sha256: string;
}

/** Writes happen whole or not at all. */
export interface WriteRequest {
  path: string;
  data: Uint8Array;
  /**
   * SHA-256 of the content that must be there now, or `null` for "must not exist". Absent: whatever is there.
   * A file that already has the new content was written before: done, not an error.
   */
  expected?: string | null;
}

/** A search that ran into its limit says so; what it returns is ordered and never silently cut. */
export interface SearchResult<Match> {
  matches: Match[];
  truncated: boolean;
}

export interface GrepMatch {
  path: string;
  line: number;
  text: string;
}

export interface GlobRequest {
  pattern: string;
  path?: string;
  limit: number;
  signal?: AbortSignal;
}

export interface GrepRequest {
  pattern: string;
  path?: string;
  glob?: string;
  ignoreCase?: boolean;
  limit: number;
  signal?: AbortSignal;
}

/**
 * The machine that an agent works on, and the only way to it. Paths are relative to the workspace; one that leaves it,
 * by `..` or through a symbolic link, fails with `outside-workspace`. Every method may fail with a `SandboxError`.
 */
export interface Sandbox {
  readonly ref: SandboxRef;
  /** Absolute path of the workspace inside the sandbox. */
  readonly workdir: string;
  readonly caps: SandboxCaps;
  /**
   * Runs a command, or attaches to the one that was started under this `execId`. `onOutput` gets output from its beginning.
   * It has ended when its output has, or shortly after its first process has: what that left in the background lives on
   * unheard, until `killAll`, a timeout or hibernation.
   *
   * With `input` it is spoken to while it runs, instead of by `stdin`: its input ends where that does, and where the connection of the
   * relay that started it does. Nobody else can speak to it: who attaches to it only listens, and whose command has ended is not read.
   */
  exec(
    request: ExecRequest,
    options?: {
      signal?: AbortSignal;
      onOutput?: (chunk: ExecStream) => void;
      input?: AsyncIterable<Uint8Array>;
      /** A server, or what else goes on beside its caller: it may end with its machine, and nobody holds that up for it. */
      isBackground?: boolean;
    },
  ): Promise<ExecResult>;
  /**
   * A part of all that a command printed on one stream, also of what `ExecResult` leaves out, while it runs and afterwards.
   * `size` is how much there is so far; the oldest commands' output is dropped where it takes too much room, as `not-found`.
   */
  readOutput(
    execId: string,
    stream: ExecStream['name'],
    range: { offset: number; length: number },
  ): Promise<{ data: Uint8Array; size: number }>;
  /** Reads a part of a file: `offset` and `length` in bytes; the whole file without them. */
  readFile(path: string, range?: { offset: number; length: number }): Promise<FileContent>;
  /** Answers with the SHA-256 of what is there now. Creates folders on the way; keeps an existing file's mode. */
  writeFile(request: WriteRequest): Promise<{ sha256: string }>;
  /** Paths that match a glob, newest first; ignored files and `.git` left out. */
  glob(request: GlobRequest): Promise<SearchResult<string>>;
  /** Lines that match a regular expression (ripgrep's), by path and line; ignored files and `.git` left out. */
  grep(request: GrepRequest): Promise<SearchResult<GrepMatch>>;
  /**
   * Kills the processes of every command whose `execId` begins with `prefix`; resolves once they are dead. A number that it ends in is
   * whole: `turn:m1c1` names that call and what belongs to it, and not `turn:m1c10`.
   */
  killAll(prefix: string): Promise<void>;
  /**
   * A folder outside the workspace which the agent's file tools do not show, for the relay's own bundles.
   * Absolute, inside the sandbox.
   */
  readonly scratchdir: string;
  /** Writes and reads files in `scratchdir`; `name` has no slash. */
  putScratch(name: string, data: Uint8Array): Promise<void>;
  getScratch(name: string): Promise<Uint8Array>;
  /** The TCP ports on which something in the sandbox listens, ascending; the adapter's own left out. */
  ports(): Promise<number[]>;
  /** A connection to a port on the sandbox's loopback. Fails with `not-found` where nothing listens. */
  connect(port: number): Promise<Duplex>;
}

/** What sets a provider apart for those who choose by it. */
export interface ProviderTraits {
  /** `host`: machines are on this host, and only its relays reach them. `anywhere`: every relay does. */
  locality: 'host' | 'anywhere';
  /** Whether `create` takes an `image`. */
  images: boolean;
}

/**
 * Where sandboxes come from. `resume` never creates: a lost machine is `gone`, and somebody else decides what then.
 * A provider that does not answer, or asks for patience, fails with `busy`: trying later is all that helps.
 */
export interface SandboxProvider {
  readonly name: string;
  readonly traits: ProviderTraits;
  /**
   * The machine of `spec.taskId`: made at the first time, the same one at the next. Fails closed: where isolation cannot
   * be had it throws `SandboxError('unavailable')` with the command that mends it.
   */
  create(spec: SandboxSpec): Promise<Sandbox>;
  /** A running machine is attached to; a hibernated one started again with its files. Fails with `lost` where it is gone. */
  resume(ref: SandboxRef): Promise<Sandbox>;
  state(ref: SandboxRef): Promise<ProviderState>;
  /** Frees memory and processes, keeps files. Idempotent. */
  hibernate(ref: SandboxRef): Promise<void>;
  /** Removes everything. Idempotent. */
  destroy(ref: SandboxRef): Promise<void>;
  /**
   * Keeps the files as they are now, for machines to come, under a name of [a-z0-9-]. A snapshot may be a stop: the machine is hibernated
   * by it or goes on, and its commands have ended; `resume` it. The same name again answers the first snapshot.
   */
  snapshot(ref: SandboxRef, name: string): Promise<SnapshotRef>;
  /** Idempotent. Machines that were made from it go on. */
  deleteSnapshot(snapshot: SnapshotRef): Promise<void>;
  /** Tells a vendor who stops idle machines that this one is in use. */
  keepAlive(ref: SandboxRef): Promise<void>;
  /** All machines of this relay's that the provider has, to find those that nobody remembers. */
  list(): Promise<Array<{ ref: SandboxRef; taskId: string }>>;
  /** Lets go of connections; machines and their commands go on. */
  close(): Promise<void>;
}

export type SandboxErrorCode =
  | 'unavailable'
  /** The provider does not answer, or asks for patience: later it may. */
  | 'busy'
  | 'lost'
  | 'not-found'
  | 'outside-workspace'
  | 'is-directory'
  | 'not-a-file'
  | 'too-large'
  | 'changed'
  | 'exists'
  | 'permission'
  | 'no-space'
  /** The sandbox went past what it may use, and was stopped for it. */
  | 'limit'
  | 'cancelled'
  | 'bad-pattern'
  | 'failed';

/** A failure of a sandbox or of an operation in it. `message` may be shown to the model and to the person. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly code: SandboxErrorCode;
  readonly nextAction: string | undefined;
  constructor(
    code: SandboxErrorCode,
    message: string,
    options: { cause?: unknown; nextAction?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.nextAction = options.nextAction;
  }
}

/** The same failure as the rest of the relay speaks of it. */
export function errorCodeOf(code: SandboxErrorCode): ErrorCode {
  if (code === 'unavailable' || code === 'busy') return 'sandbox_unavailable';
  if (code === 'lost') return 'sandbox_lost';
  if (code === 'outside-workspace') return 'path_outside_workspace';
  if (code === 'too-large') return 'too_large';
  return 'internal';
}
