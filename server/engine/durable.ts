import { randomUUID } from 'node:crypto';
import { DBOS } from '@dbos-inc/dbos-sdk';
import type pg from 'pg';
import type { Logger } from 'pino';
import { acquireAdvisoryLock } from './advisory-lock.ts';

/**
 * The steps of one durable workflow. `step` runs `work` and records what it returned; when the workflow is run again after a
 * crash, a recorded step answers from the record and `work` is not called. Work must be plain data in and out.
 */
export interface Steps {
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** A workflow that nobody will go on with: another version of the relay began it. */
export interface Abandoned {
  workflow: string;
  input: unknown;
}

/**
 * Runs durable workflows: what is done once a turn has ended, and publications. A workflow's `id` is its identity: starting it twice
 * is starting it once. (Turns are not workflows here: their own event log is their journal.)
 */
export interface Engine {
  start(workflow: string, id: string, input: unknown): Promise<void>;
  /** Waits for a workflow's answer; it goes on whether or not anybody waits. */
  result<T>(id: string): Promise<T>;
  /** Whether a workflow of that id has run, and ended well or not. */
  hasEnded(id: string): Promise<boolean>;
  /** Goes on with what a relay of this machine left when it died; answers with what no relay of this version can. */
  adopt(relayId: string): Promise<Abandoned[]>;
  /** Forgets workflows that ended before then (milliseconds since 1970), at most `limit`. @returns how many */
  forget(before: number, limit: number): Promise<number>;
  /** From now on nothing is recorded or begun: the process is about to end, and the next one goes on from the record. */
  freeze(): void;
  close(): Promise<void>;
}

export type Workflow<Input> = (steps: Steps, input: Input) => Promise<unknown>;

/** Raise it when the order of steps in a workflow changes. */
export const ENGINE_VERSION = 'handoff-5';

/** An arbitrary number of ours: DBOS's own migrations crash when two relays meet an empty database at once. */
const LAUNCH_LOCK = 7420_0003;

/** @param relayId names this relay, and `host` its machine, among those that share the database */
export async function launchEngine(options: {
  pool: pg.Pool;
  url: string;
  relayId: string;
  host: string;
  logger: Logger;
  workflows: Record<string, Workflow<never>>;
}): Promise<Engine> {
  let frozen = false;
  const never = new Promise<never>(() => {});
  const steps: Steps = {
    step: async (name, work) => {
      if (frozen) return never;
      const result = await DBOS.runStep(() => work().then((value) => (frozen ? never : value)), { name });
      return frozen ? never : result;
    },
  };

  const say = (level: 'debug' | 'warn' | 'error') => (entry: unknown) => {
    if (entry instanceof Error) options.logger[level]({ err: entry }, 'DBOS');
    else options.logger[level]({ dbos: String(entry) });
  };
  // What a dead relay left goes to its machine: only there are the repository and the sandbox that it is about.
  const queue = `host:${options.host}`;
  // An executor for each life of a relay, so that DBOS takes nothing up by itself, which would be on any machine: `adopt` does.
  const executors = `${options.relayId}#`;
  DBOS.setConfig({
    name: 'handoff',
    systemDatabaseUrl: options.url,
    systemDatabasePool: options.pool,
    executorID: executors + randomUUID().slice(0, 8),
    applicationVersion: ENGINE_VERSION,
    listenQueues: [queue],
    logger: { info: say('debug'), debug: say('debug'), warn: say('warn'), error: say('error') },
  });
  const started = new Map<string, (input: unknown) => Promise<unknown>>();
  for (const [name, workflow] of Object.entries(options.workflows)) {
    const run = workflow as Workflow<unknown>;
    started.set(
      name,
      DBOS.registerWorkflow((input: unknown) => run(steps, input), { name }),
    );
  }
  await oneAtATime(options.pool, () => DBOS.launch());
  await DBOS.registerQueue(queue);

  return {
    async start(name, id, input) {
      const workflow = started.get(name);
      if (!workflow) throw new RangeError(`no workflow ${name}`);
      await DBOS.startWorkflow(workflow, { workflowID: id })(input);
    },
    async result<T>(id: string) {
      return (await DBOS.retrieveWorkflow<T>(id).getResult({ pollingIntervalMs: 50 })) as T;
    },
    async hasEnded(id) {
      const status = await DBOS.getWorkflowStatus(id);
      return status !== null && !['PENDING', 'ENQUEUED', 'DELAYED'].includes(status.status);
    },
    async adopt(relayId) {
      const open = await DBOS.listWorkflows({ status: ['PENDING', 'ENQUEUED'], loadOutput: false });
      const left = open.filter(
        ({ executorId = '' }) => executorId !== DBOS.executorID && executorId.split('#')[0] === relayId,
      );
      const [ours, others] = split(left, ({ applicationVersion }) => applicationVersion === ENGINE_VERSION);
      if (ours.length > 0) {
        await DBOS.resumeWorkflows(
          ours.map(({ workflowID }) => workflowID),
          { queueName: queue },
        );
      }
      if (others.length > 0) await DBOS.cancelWorkflows(others.map(({ workflowID }) => workflowID));
      return others.map(({ workflowName, input }) => ({ workflow: workflowName, input: input?.[0] }));
    },
    async forget(before, limit) {
      const ended = await DBOS.listWorkflows({
        status: ['SUCCESS', 'ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'],
        completedBefore: new Date(before).toISOString(),
        limit,
        loadInput: false,
        loadOutput: false,
      });
      if (ended.length > 0) await DBOS.deleteWorkflows(ended.map(({ workflowID }) => workflowID));
      return ended.length;
    },
    freeze: () => {
      frozen = true;
    },
    close: () => DBOS.shutdown(),
  };
}

async function oneAtATime(pool: pg.Pool, work: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await acquireAdvisoryLock(client, '$1', [LAUNCH_LOCK]);
    await work();
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [LAUNCH_LOCK]).catch(() => {});
    client.release();
  }
}

function split<T>(all: T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}
