import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type StartProcess, startHere } from './spawner/process.ts';
import { SpawnerLost } from './spawner/spawner.ts';

/** A header that native Git sends to one origin and nowhere else. Travels by environment, never by argv or URL. */
export interface SecretHeader {
  /** Scheme and host, such as `https://github.com/`. */
  origin: string;
  name: string;
  value: string;
  /** Every form of the secret, to be struck out of what Git prints. */
  redact: string[];
}

export interface GitRun {
  /** The bare repository to work on. */
  repo?: string;
  stdin?: Uint8Array;
  env?: Record<string, string>;
  /** Which transports this run may use. Absent: none at all. */
  transports?: readonly ('https' | 'http' | 'file')[];
  secret?: SecretHeader;
  /** Settings for this run, over those of the relay's file. */
  config?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Most bytes of standard output that are kept; more is an error. */
  maxOutputBytes?: number;
  /** Gets standard output in pieces instead of its being kept. */
  onStdout?: (chunk: Buffer) => void;
}

/** Runs native Git; rejects with `GitError` unless it ends with 0. */
export type Git = (args: string[], options?: GitRun) => Promise<Buffer>;

/** Git ended with a failure. Nothing in it is secret: secrets are never in `args`, and are struck out of `stderr`. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly args: readonly string[];
  /** Null where a signal, a limit or a missing program ended it. */
  readonly exitCode: number | null;
  /** The last 8 KiB. */
  readonly stderr: string;
  readonly stdout: string;
  constructor(
    args: readonly string[],
    exitCode: number | null,
    output: { stderr: string; stdout?: string },
    cause?: unknown,
  ) {
    super(
      `git ${args[0] ?? ''} ended with ${exitCode ?? 'no exit code'}: ${output.stderr.trim().slice(-400)}`,
      cause === undefined ? undefined : { cause },
    );
    this.args = args;
    this.exitCode = exitCode;
    this.stderr = output.stderr;
    this.stdout = output.stdout ?? '';
  }
}

const MIB = 2 ** 20;
const DEFAULT_OUTPUT_LIMIT = 16 * MIB;
const STDERR_LIMIT = 8 * 1024;
/** No run of Git takes longer, whatever the network does. */
const RUN_LIMIT_MS = 15 * 60_000;
/** Time for Git to remove its locks after SIGTERM, before SIGKILL. */
const KILL_GRACE_MS = 2_000;

/** What Git needs of the machine: where programs, certificates and proxies are. Everything else stays outside. */
const INHERITED = [
  'PATH',
  'SystemRoot',
  'TEMP',
  'TMP',
  'TMPDIR',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'GIT_EXEC_PATH',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
  'all_proxy',
  'ALL_PROXY',
];

/**
 * The relay's own configuration, in place of the person's and the machine's. `safe.directory` is read from here only, also by
 * the upload-pack that Git starts in a repository of another owner. `pack.window` is for that one too: looking for deltas
 * between the files of one commit takes 3 times as long as all the rest and saves little. `push.negotiate`: without it the
 * whole tree is sent when the remote's branches have moved on.
 */
const CONFIG = `[safe]
	directory = *
[core]
	hooksPath = /dev/null
	fsmonitor = false
	autocrlf = false
	attributesFile = /dev/null
	excludesFile = /dev/null
	fsync = committed
	fsyncMethod = batch
[credential]
	helper =
[http]
	lowSpeedLimit = 1
	lowSpeedTime = 120
[gc]
	auto = 0
[maintenance]
	auto = false
[protocol]
	version = 2
[fetch]
	recurseSubmodules = false
[pack]
	window = 0
[push]
	negotiate = true
	recurseSubmodules = no
[init]
	templateDir =
	defaultBranch = main
[advice]
	detachedHead = false
`;

/** The only place that runs native Git. Its configuration and home are a folder of the relay's own. */
export function createGit(options: {
  dataDir: string;
  /** The relay's environment, of which Git gets only what `INHERITED` names. */
  env?: Record<string, string | undefined>;
  /** Absent: as children of this very process. */
  start?: StartProcess;
}): Git {
  const home = path.join(options.dataDir, 'git');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const config = path.join(home, 'config');
  writeFileSync(config, CONFIG, { mode: 0o600 });
  const source = options.env ?? process.env;
  const base: Record<string, string> = {
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_DEFAULT_HASH: 'sha1',
    GIT_DEFAULT_REF_FORMAT: 'files',
  };
  for (const name of INHERITED) {
    const value = source[name];
    if (value !== undefined) base[name] = value;
  }
  const { start = startHere } = options;
  return async (args, run = {}) => {
    const env = { ...base, ...run.env, ...environmentOf(run) };
    const here = { env, cwd: home, start: startHere };
    // What is much, or secret, takes the shorter way.
    if (run.secret !== undefined || (run.stdin?.length ?? 0) >= MIB) return execute(args, run, here);
    let isHeard = false;
    const { onStdout } = run;
    const listened: GitRun =
      onStdout === undefined
        ? run
        : {
            ...run,
            onStdout(chunk) {
              isHeard = true;
              onStdout(chunk);
            },
          };
    try {
      return await execute(args, listened, { ...here, start });
    } catch (error) {
      // All that is done here may be repeated, as after the death of a relay; but nobody is told the same twice.
      if (isHeard || !(error instanceof GitError && error.cause instanceof SpawnerLost)) throw error;
      return execute(args, run, here);
    }
  };
}

function environmentOf(run: GitRun): Record<string, string> {
  const environment: Record<string, string> = {
    // Outranks every configuration, also that of a local repository which upload-pack runs in.
    GIT_ALLOW_PROTOCOL: (run.transports ?? []).join(':'),
  };
  if (run.repo !== undefined) environment.GIT_DIR = run.repo;
  const settings = Object.entries(run.config ?? {});
  if (run.secret !== undefined) {
    const { origin, name, value } = run.secret;
    settings.push([`http.${origin}.extraHeader`, `${name}: ${value}`], ['http.followRedirects', 'false']);
  }
  environment.GIT_CONFIG_COUNT = String(settings.length);
  for (const [index, [key, value]] of settings.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}

function execute(
  args: string[],
  run: GitRun,
  { env, cwd, start }: { env: Record<string, string>; cwd: string; start: StartProcess },
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  if (run.signal?.aborted) {
    reject(run.signal.reason);
    return promise;
  }
  const limit = run.maxOutputBytes ?? DEFAULT_OUTPUT_LIMIT;
  const kept: Buffer[] = [];
  let size = 0;
  let stderr = Buffer.alloc(0);
  let ended: { why: string; cause: unknown } | undefined;
  let hardKill: NodeJS.Timeout | undefined;

  const end = (why: string, cause: unknown) => {
    if (ended !== undefined) return;
    ended = { why, cause };
    child.kill('SIGTERM');
    hardKill = setTimeout(() => child.kill('SIGKILL'), KILL_GRACE_MS);
  };
  const onAbort = () => end('it was cancelled', run.signal?.reason);
  const settle = () => {
    clearTimeout(deadline);
    clearTimeout(hardKill);
    run.signal?.removeEventListener('abort', onAbort);
  };
  const request = { file: 'git', args, cwd, env, ...(run.stdin === undefined ? {} : { stdin: run.stdin }) };
  const child = start(request, {
    stdout(chunk) {
      if (ended !== undefined) return;
      size += chunk.length;
      if (run.onStdout === undefined && size > limit) {
        end(`it printed more than ${limit} bytes`, undefined);
        return;
      }
      try {
        if (run.onStdout === undefined) kept.push(chunk);
        else run.onStdout(chunk);
      } catch (error) {
        end('its output could not be taken in', error);
      }
    },
    stderr(chunk) {
      stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_LIMIT);
    },
    failed(cause) {
      settle();
      const stderr =
        cause instanceof SpawnerLost ? cause.message : 'git could not be started; is it installed?';
      reject(new GitError(args, null, { stderr }, cause));
    },
    closed(exitCode) {
      settle();
      const strike = (text: string) =>
        (run.secret?.redact ?? []).reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
      if (run.signal?.aborted) reject(run.signal.reason);
      else if (ended !== undefined) reject(new GitError(args, null, { stderr: ended.why }, ended.cause));
      else if (exitCode === 0) resolve(Buffer.concat(kept));
      else {
        const stdout = Buffer.concat(kept).subarray(0, STDERR_LIMIT).toString();
        reject(new GitError(args, exitCode, { stderr: strike(stderr.toString()), stdout: strike(stdout) }));
      }
    },
  });
  const deadline = setTimeout(() => end('it took too long', undefined), RUN_LIMIT_MS);
  run.signal?.addEventListener('abort', onAbort, { once: true });
  return promise;
}
