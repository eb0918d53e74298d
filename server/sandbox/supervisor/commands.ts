import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { posix } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandboxError } from '../sandbox.ts';
import type { CallOf, ExecCall, ExecOutcome, StreamName } from '../supervised/wire.ts';
import { type Audience, createAudience, type Sink } from './audience.ts';
import { boundedOutput } from './output.ts';
import { EXEC_MARK, isNamedBy, killCommands } from './processes.ts';
import type { ExecRecord, ExecRecords } from './record.ts';

/**
 * A command has ended when its first process has exited and its output is closed. Something left in the background
 * (`server &`) may hold the output open for ever, so this many milliseconds after the exit the wait is over. What was
 * left goes on running, its output is read and dropped so that it does not die of a closed pipe, and `killAll`, a
 * timeout or hibernation ends it.
 */
const BACKGROUND_GRACE = 250;

/** Milliseconds after which a killed command is reported although the kernel still holds on to it. */
const KILLED_GRACE = 6_000;

/** The exit code of a command that could not be started, as shells have it. */
const NOT_STARTED = 127;

/** Node's timers overflow beyond this. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** Bytes of each stream that are kept at most, whatever is asked for: they are held in memory. */
const MAX_KEPT = 16 << 20;

export interface Ending {
  value: ExecOutcome;
  body: Buffer;
}

interface Running {
  record: ExecRecord;
  pid: number | undefined;
  audience: Audience;
  ending: Promise<Ending>;
  stop(reason: 'timeout' | 'cancelled'): void;
}

export interface Commands {
  /**
   * Starts a command, attaches to it, or answers how it ended: by its `execId`, and never twice.
   * @param stdin read by a command that this starts, and by no other
   */
  run(call: ExecCall, stdin: Buffer | Readable, sink: Sink | undefined): Promise<Ending>;
  cancel(execId: string): void;
  /** Of what a command printed, running or not, at most one piece. */
  output(call: CallOf<'output'>): { value: { size: number }; body: Buffer };
  killAll(prefix: string): Promise<void>;
}

/** @param env what every command finds in its environment */
export function createCommands(
  records: ExecRecords,
  options: { workspace: string; env: Record<string, string> },
): Commands {
  const running = new Map<string, Running>();

  const run: Commands['run'] = async (call, stdin, sink) => {
    const current = running.get(call.execId);
    if (current !== undefined) return attach(current, call, sink);
    const recorded = records.find(call.execId);
    if (recorded !== undefined) return recall(recorded, call, sink);
    refuseImpossible(call);
    const cwd = folderOf(posix.resolve(options.workspace, call.cwd ?? ''));
    const record = claim(records, call.execId);
    if (call.cancelled) return conclude(record, neverRan(call));
    const env = { ...options.env, PWD: cwd, ...call.env, [EXEC_MARK]: call.execId };
    const started = start(call, stdin, record, { cwd, env });
    running.set(call.execId, started);
    if (sink !== undefined) started.audience.add(sink);
    return started.ending.finally(() => running.delete(call.execId));
  };

  return {
    run,
    cancel: (execId) => running.get(execId)?.stop('cancelled'),
    output({ execId, stream, offset, length }) {
      const record = records.find(execId);
      if (record === undefined) throw new SandboxError('not-found', 'No command was started under this id.');
      const { data, size } = record.output.read(stream, { offset, length });
      return { value: { size }, body: data };
    },
    async killAll(prefix) {
      const chosen = [...running].filter(([execId]) => isNamedBy(prefix, execId)).map(([, one]) => one);
      for (const one of chosen) one.stop('cancelled');
      const leaders = chosen.flatMap(({ pid }) => pid ?? []);
      await killCommands((execId) => isNamedBy(prefix, execId), leaders);
      await Promise.all(chosen.map((one) => one.ending));
    },
  };
}

function attach(current: Running, call: ExecCall, sink: Sink | undefined): Promise<Ending> {
  if (call.cancelled) current.stop('cancelled');
  if (sink !== undefined) {
    // Nothing can be printed between these two lines: this process does one thing at a time.
    current.record.output.replay((name, chunk) => sink.write(name, chunk));
    current.audience.add(sink);
  }
  return current.ending;
}

/** A command of the past: as recorded, or `lost` with what it printed if the machine stopped under it. */
function recall(record: ExecRecord, call: ExecCall, sink: Sink | undefined): Ending {
  if (sink !== undefined) record.output.replay((name, chunk) => sink.write(name, chunk));
  const recorded = record.ending();
  if (recorded !== undefined) return { value: recorded.outcome, body: recorded.body };
  const kept = keeper(call.maxOutputBytes);
  record.output.replay((name, chunk) => kept[name].push(chunk));
  return conclude(record, outcomeOf({ exitCode: null, reason: 'lost', durationMs: 0 }, kept));
}

function claim(records: ExecRecords, execId: string): ExecRecord {
  try {
    return records.claim(execId);
  } catch (error) {
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    const message = `The sandbox cannot record a command${full ? ': its disk is full' : ''}.`;
    throw new SandboxError(full ? 'no-space' : 'failed', message, { cause: error });
  }
}

/** What no process can be given; nothing was claimed, so the command may be asked for again. */
function refuseImpossible({ execId, argv, cwd = '', env = {} }: ExecCall): void {
  if (argv[0] === undefined || argv[0] === '')
    throw new SandboxError('failed', 'The command names no program.');
  if ([execId, ...argv, cwd, ...Object.entries(env).flat()].some((text) => text.includes('\0')))
    throw new SandboxError(
      'failed',
      'A command, its id, folder and environment cannot contain a NUL character.',
    );
}

function folderOf(cwd: string): string {
  const stat = fs.statSync(cwd, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return cwd;
  throw new SandboxError(
    'not-found',
    `The working directory ${cwd} ${stat ? 'is not a folder' : 'does not exist'}.`,
  );
}

type Kept = Record<StreamName, ReturnType<typeof boundedOutput>>;

function keeper(maxOutputBytes: number): Kept {
  const limit = Math.min(maxOutputBytes, MAX_KEPT);
  return { stdout: boundedOutput(limit), stderr: boundedOutput(limit) };
}

function outcomeOf(how: Pick<ExecOutcome, 'exitCode' | 'reason' | 'durationMs'>, kept: Kept) {
  const stdout = kept.stdout.shape();
  const stderr = kept.stderr.shape();
  const outcome: ExecOutcome = { ...how, stdout: stdout.shape, stderr: stderr.shape };
  return { outcome, parts: [...stdout.parts, ...stderr.parts] };
}

function neverRan(call: ExecCall): ReturnType<typeof outcomeOf> {
  return outcomeOf({ exitCode: null, reason: 'cancelled', durationMs: 0 }, keeper(call.maxOutputBytes));
}

function conclude(record: ExecRecord, { outcome, parts }: ReturnType<typeof outcomeOf>): Ending {
  record.finish(outcome, parts);
  return { value: outcome, body: Buffer.concat(parts) };
}

function start(
  call: ExecCall,
  stdin: Buffer | Readable,
  record: ExecRecord,
  at: { cwd: string; env: Record<string, string> },
): Running {
  const kept = keeper(call.maxOutputBytes);
  const began = performance.now();
  let reason: ExecOutcome['reason'] = 'exit';
  let over = false;

  const take = (name: StreamName, chunk: Buffer): void => {
    if (over) return;
    kept[name].push(chunk);
    record.output.append(name, chunk);
    audience.write(name, chunk);
  };
  const audience = createAudience((on) => {
    if (child !== undefined && !(on && exited(child))) pause(child, on);
  });

  const child = spawnCommand(call, at, (message) => take('stderr', Buffer.from(message)));
  child?.stdout?.on('data', (chunk: Buffer) => take('stdout', chunk));
  child?.stderr?.on('data', (chunk: Buffer) => take('stderr', chunk));
  // A command that does not read its input is no failure.
  child?.stdin?.on('error', () => {});
  if (Buffer.isBuffer(stdin)) child?.stdin?.end(stdin);
  else if (child?.stdin) pipeline(stdin, child.stdin, () => {});

  const pid = child?.pid;
  const stop = (why: 'timeout' | 'cancelled'): void => {
    if (over || reason !== 'exit') return;
    reason = why;
    stopped.resolve();
    if (child !== undefined) pause(child, false);
    killCommands((execId) => execId === call.execId, pid === undefined ? [] : [pid]).catch(() => {});
  };
  const stopped = Promise.withResolvers<void>();
  const timer = setTimeout(() => stop('timeout'), Math.min(call.timeoutMs, MAX_TIMEOUT));

  const finish = async (): Promise<Ending> => {
    const exitCode = child === undefined ? NOT_STARTED : await ended(child, stopped.promise);
    clearTimeout(timer);
    over = true;
    audience.end();
    const how = {
      exitCode: reason === 'exit' ? exitCode : null,
      reason,
      durationMs: performance.now() - began,
    };
    return conclude(record, outcomeOf(how, kept));
  };
  return { record, pid, audience, ending: finish(), stop };
}

/** Starts the process in a session, and so a group, of its own. What prevents that is told as a shell tells it. */
function spawnCommand(
  { argv: [file = '', ...args], hasStdin, hasInput }: ExecCall,
  at: { cwd: string; env: Record<string, string> },
  complain: (message: string) => void,
): ChildProcess | undefined {
  const explain = (error: Error): void => {
    const errno = 'code' in error ? String(error.code) : error.message;
    const why: Record<string, string> = {
      ENOENT: 'command not found',
      EACCES: 'permission denied',
      EAGAIN: 'the sandbox has reached its limit of processes; stop some first',
      E2BIG: 'argument list too long',
    };
    complain(`${file}: ${why[errno] ?? errno}\n`);
  };
  try {
    const stdio = [hasStdin || hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe'] as const;
    const child = spawn(file, args, { ...at, detached: true, stdio: [...stdio] });
    return child.on('error', explain);
  } catch (error) {
    explain(error instanceof Error ? error : new Error(String(error)));
    return undefined;
  }
}

/** Waits for the end as `BACKGROUND_GRACE` defines it; answers the exit code, null after a signal. */
async function ended(child: ChildProcess, stopped: Promise<void>): Promise<number | null> {
  if (child.pid === undefined) {
    await new Promise<void>((resolve) => child.once('error', () => resolve()));
    return NOT_STARTED;
  }
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([exit, stopped.then(() => sleep(KILLED_GRACE))]);
  pause(child, false);
  await Promise.race([closed, sleep(BACKGROUND_GRACE)]);
  return child.exitCode;
}

function exited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function pause(child: ChildProcess, on: boolean): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (on) stream?.pause();
    else stream?.resume();
  }
}
