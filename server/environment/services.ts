import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceConfig } from '../protocol/repository-config.ts';
import type { ExecResult, Sandbox } from '../sandbox/sandbox.ts';
import { endOf, lastOf } from './printed.ts';
import { readRecord, writeRecord } from './record.ts';

/** How a service stands. `running`: it was started, and nobody can say, or could in time, whether it is ready. */
export interface ServiceStatus {
  name: string;
  state: 'ready' | 'running' | 'ended';
  /** By which what it prints can be read: `Sandbox.readOutput`. */
  execId: string;
  port?: number;
  /** What is wrong with it, for the person. */
  problem?: string;
}

/** What runs beside the agents of tasks in the machines that this relay has open. */
export interface Services {
  /**
   * Starts those that do not run, in order, each once the one before is ready or its time is over. A service that another relay
   * started, which died, is attached to; one that ended with the machine's sleep, or by itself, is started anew. Repeatable.
   */
  start(
    taskId: string,
    sandbox: Sandbox,
    services: readonly ServiceConfig[],
    signal: AbortSignal,
  ): Promise<ServiceStatus[]>;
  /** Those of a task, as far as this relay knows. */
  statuses(taskId: string): ServiceStatus[];
  /** The task has no machine any more. */
  forget(taskId: string): void;
}

/** A command without end: the machine's sleep ends it. What timers of Node can hold. */
const FOR_EVER_MS = 2 ** 31 - 1;
const MAX_OUTPUT = 8 * 1024;
const MAX_TOLD = 1000;
/** How long (ms) one is waited for that says where it listens, and not how long. */
const READY_TIMEOUT_MS = 30_000;
/** How often one is started that is cut off right away: the machine may be falling asleep. */
const MOST_STARTS = 10;
/** One of which nothing says when it is ready has started if it lives for so long (ms). */
const ALIVE_MS = 500;

/** How often (ms) to look whether a port is listened on. */
const LOOK_EVERY_MS = 100;
/** Asked again and again by one command in the machine. `$1` is the service's own. */
const COMMAND_PASSES = 'until bash -c "$1"; do sleep 0.2; done';

interface Running {
  status: ServiceStatus;
  /** Settles when the command has ended; undefined where it cannot be told how. */
  ended: Promise<ExecResult | undefined>;
  isOver: boolean;
}

export function createServices(): Services {
  const tasks = new Map<string, { machine: string; running: Map<string, Running> }>();

  function launch(sandbox: Sandbox, service: ServiceConfig, execId: string): Running {
    const { name, command, port } = service;
    const request = {
      execId,
      argv: ['bash', '-c', command],
      timeoutMs: FOR_EVER_MS,
      maxOutputBytes: MAX_OUTPUT,
    };
    const running: Running = {
      status: { name, state: 'running', execId, ...(port === undefined ? {} : { port }) },
      ended: sandbox.exec(request, { isBackground: true }).then(
        (result) => over(result),
        () => over(undefined),
      ),
      isOver: false,
    };
    function over(result: ExecResult | undefined): ExecResult | undefined {
      running.isOver = true;
      running.status = { ...running.status, state: 'ended' };
      return result;
    }
    return running;
  }

  async function startOne(sandbox: Sandbox, service: ServiceConfig, signal: AbortSignal): Promise<Running> {
    const known = await lastNumber(sandbox, service.name);
    const first = known ?? 1;
    for (let number = first; ; number += 1) {
      const isNew = number !== known;
      // Before it is started: whoever goes on here must not start it twice.
      if (isNew) await writeRecord(sandbox, recordOf(service.name), String(number));
      const running = launch(sandbox, service, `service:${service.name}:${number}`);
      const became = await settle(sandbox, service, running, signal);
      if (became.kind !== 'ended') {
        if (!running.isOver) running.status = { ...running.status, ...became.status };
        return running;
      }
      const { result } = became;
      // Ended with an earlier life of the machine, or by itself before this relay looked. Where nobody says that it ended, it may run.
      const isOfThePast = !isNew || result?.reason === 'lost' || result?.reason === 'cancelled';
      if (result !== undefined && isOfThePast && number - first < MOST_STARTS) continue;
      running.status = { ...running.status, problem: whyEnded(service, result) };
      return running;
    }
  }

  return {
    async start(taskId, sandbox, services, signal) {
      const machine = sandbox.ref.id;
      const known = tasks.get(taskId);
      const running = known?.machine === machine ? known.running : new Map<string, Running>();
      tasks.set(taskId, { machine, running });
      for (const service of services) {
        signal.throwIfAborted();
        if (running.get(service.name)?.isOver === false) continue;
        running.set(service.name, await startOne(sandbox, service, signal));
      }
      return statusesOf(running);
    },
    statuses: (taskId) => statusesOf(tasks.get(taskId)?.running ?? new Map()),
    forget: (taskId) => void tasks.delete(taskId),
  };
}

const statusesOf = (running: Map<string, Running>): ServiceStatus[] =>
  [...running.values()].map(({ status }) => status);

type Became =
  | { kind: 'ended'; result: ExecResult | undefined }
  | { kind: 'up'; status: Pick<ServiceStatus, 'state' | 'problem'> };

/** Waits until it is ready, has ended, or its time is over. */
async function settle(
  sandbox: Sandbox,
  service: ServiceConfig,
  running: Running,
  signal: AbortSignal,
): Promise<Became> {
  const enough = new AbortController();
  const until = AbortSignal.any([signal, enough.signal]);
  const ended = running.ended.then((result): Became => ({ kind: 'ended', result }));
  const looked = askUntilReady(sandbox, service, running.status.execId, until);
  // Whoever loses the race is not waited for.
  looked.catch(() => {});
  try {
    return await Promise.race([ended, looked]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    enough.abort();
  }
}

async function askUntilReady(
  sandbox: Sandbox,
  { name, port, ready }: ServiceConfig,
  execId: string,
  signal: AbortSignal,
): Promise<Became> {
  const { command, timeoutMs = READY_TIMEOUT_MS } = ready ?? {};
  const awaited = ready?.port ?? port;
  if (command === undefined && awaited === undefined) {
    await delay(ALIVE_MS, undefined, { signal });
    return { kind: 'up', status: { state: 'running' } };
  }
  const isReady = await (command === undefined
    ? portListens(sandbox, awaited ?? 0, timeoutMs, signal)
    : commandPasses(sandbox, `${execId}:ready:${randomUUID()}`, command, timeoutMs, signal));
  if (isReady) return { kind: 'up', status: { state: 'ready' } };
  const problem = `The service ${name} was not ready within ${timeoutMs} ms; it goes on, and may become so.`;
  return { kind: 'up', status: { state: 'running', problem } };
}

/** Looks, and does not connect: a connection that ends at once is the end of many a simple server. */
async function portListens(
  sandbox: Sandbox,
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if ((await sandbox.ports()).includes(port)) return true;
    if (Date.now() > deadline) return false;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

async function commandPasses(
  sandbox: Sandbox,
  execId: string,
  command: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const argv = ['bash', '-c', COMMAND_PASSES, 'ready', command];
  const { exitCode } = await sandbox.exec({ execId, argv, timeoutMs, maxOutputBytes: 0 }, { signal });
  return exitCode === 0;
}

function whyEnded({ name }: ServiceConfig, result: ExecResult | undefined): string {
  if (result === undefined) return `The service ${name} could not be started.`;
  const how = result.exitCode === null ? 'by a signal' : `with exit code ${result.exitCode}`;
  const said = lastOf([endOf(result.stdout), endOf(result.stderr)].filter(Boolean).join('\n'), MAX_TOLD);
  return `The service ${name} ended ${how} right after it was started.${said === '' ? '' : ` It printed: ${said}`}`;
}

const recordOf = (name: string): string => `service-${name}`;

/** Of the last start in this machine; undefined where there was none. */
async function lastNumber(sandbox: Sandbox, name: string): Promise<number | undefined> {
  const number = Number(await readRecord(sandbox, recordOf(name)));
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
