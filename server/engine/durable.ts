import { DBOS } from '@dbos-inc/dbos-sdk';
import type pg from 'pg';
import type { Logger } from 'pino';

/**
 * The journal of one durable workflow. `step` runs `work` and records what it returned; when the workflow is run again
 * after a crash, a recorded step answers from the record and `work` is not called. Work must be plain data in and out.
 */
export interface Journal {
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Starts durable workflows. A workflow's `id` is its identity: starting it twice is starting it once. */
export interface Engine {
  start(workflow: string, id: string, input: unknown): Promise<void>;
  /** Whether that workflow runs, or will, by this version of the relay. */
  isLive(id: string): Promise<boolean>;
  /** Waits for a workflow's answer; it goes on whether or not anybody waits. */
  result<T>(id: string): Promise<T>;
  /** From now on nothing is recorded or begun: the process is about to end, and the next one goes on from the record. */
  freeze(): void;
  close(): Promise<void>;
}

export type Workflow<Input> = (journal: Journal, input: Input) => Promise<unknown>;

/** Recovery takes up only workflows of the same version: raise it when the order of steps in a workflow changes. */
const ENGINE_VERSION = 'handoff-1';

/**
 * Launches DBOS on the relay's database and takes up what an earlier process left unfinished.
 * @param executorId names this relay; workflows that it began are its own to recover
 */
export async function launchEngine(options: {
  pool: pg.Pool;
  url: string;
  executorId: string;
  logger: Logger;
  workflows: Record<string, Workflow<never>>;
}): Promise<Engine> {
  let frozen = false;
  const never = new Promise<never>(() => {});
  const journal: Journal = {
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
  DBOS.setConfig({
    name: 'handoff',
    systemDatabaseUrl: options.url,
    systemDatabasePool: options.pool,
    executorID: options.executorId,
    applicationVersion: ENGINE_VERSION,
    logger: { info: say('debug'), debug: say('debug'), warn: say('warn'), error: say('error') },
  });
  const started = new Map<string, (input: unknown) => Promise<unknown>>();
  for (const [name, workflow] of Object.entries(options.workflows)) {
    const run = workflow as Workflow<unknown>;
    started.set(
      name,
      DBOS.registerWorkflow((input: unknown) => run(journal, input), { name }),
    );
  }
  await DBOS.launch();

  return {
    async start(name, id, input) {
      const workflow = started.get(name);
      if (!workflow) throw new RangeError(`no workflow ${name}`);
      await DBOS.startWorkflow(workflow, { workflowID: id })(input);
    },
    async isLive(id) {
      const status = await DBOS.getWorkflowStatus(id);
      const isOpen = status !== null && ['PENDING', 'ENQUEUED', 'DELAYED'].includes(status.status);
      return isOpen && (status.applicationVersion ?? ENGINE_VERSION) === ENGINE_VERSION;
    },
    async result<T>(id: string) {
      return (await DBOS.retrieveWorkflow<T>(id).getResult({ pollingIntervalMs: 50 })) as T;
    },
    freeze: () => {
      frozen = true;
    },
    close: () => DBOS.shutdown(),
  };
}
