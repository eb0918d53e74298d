import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, readFileSync } from 'node:fs';
import type { SandboxSessions } from '../sandbox/lifecycle/machines.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { EventLog, KeyedEvent } from '../tasks/event-log.ts';
import type { TaskStore, TaskTransaction } from '../tasks/task-store.ts';
import type { Claim } from './claims.ts';
import type { Journal } from './journal.ts';

type RunTurn = (journal: Journal, claim: Claim) => Promise<void>;

/**
 * Where this process dies, for tests: at every boundary of a turn, each named, in the order in which they are come to. What the
 * turn is made of is wrapped, so that nothing in it knows. Each function returns what it was given where no points are asked for.
 */
export interface KillPoints {
  log(log: EventLog): EventLog;
  store(store: TaskStore): TaskStore;
  sandboxes(sessions: SandboxSessions): SandboxSessions;
  run(run: RunTurn): RunTurn;
}

/** `kill`: dies at each point that the file does not list, once that is in it. `list`: only lists. */
export interface KillPointSettings {
  mode: 'kill' | 'list';
  /** A point a line; and, behind `# `, the turns that were claimed, in order: names in points count them. */
  file: string;
}

const UNTOUCHED: KillPoints = {
  log: (log) => log,
  store: (store) => store,
  sandboxes: (sessions) => sessions,
  run: (run) => run,
};

export function createKillPoints(settings: KillPointSettings | undefined): KillPoints {
  if (settings === undefined) return UNTOUCHED;
  const { names, reach } = openPoints(settings);
  /** The step that something happens in; commands of the person have none. */
  const step = new AsyncLocalStorage<string>();
  const inStep = (what: string): string => [step.getStore(), what].filter(Boolean).join(' > ');

  async function around<T>(what: string, work: () => Promise<T>): Promise<T> {
    reach(`${what}: before`);
    const result = await work();
    reach(`${what}: after`);
    return result;
  }

  /** Notes what is appended in a transaction: that names it. */
  function noting(tx: TaskTransaction, said: KeyedEvent[]): TaskTransaction {
    return {
      ...tx,
      append(speaker, events) {
        said.push(...events);
        return tx.append(speaker, events);
      },
    };
  }

  /** A transaction's points. One that appends nothing and is in no step changes nothing that a turn sees, and has none. */
  function transaction(): {
    within<T>(tx: TaskTransaction, work: (tx: TaskTransaction) => Promise<T>): Promise<T>;
    committed(): void;
  } {
    let name: string | undefined;
    return {
      async within(tx, work) {
        const said: KeyedEvent[] = [];
        const result = await work(noting(tx, said));
        const isSeen = said.length > 0 || step.getStore() !== undefined;
        name = isSeen ? inStep(`commit ${keysOf(said) || 'nothing'}`) : undefined;
        if (name !== undefined) reach(`${name}: before`);
        return result;
      },
      committed() {
        if (name !== undefined) reach(`${name}: after`);
      },
    };
  }

  /** What a memo is to remember, between being worked out and being kept. */
  const decided =
    <T>(key: string, compute: () => Promise<T>) =>
    async (): Promise<T> => {
      const value = await compute();
      reach(`memo ${key}: decided`);
      return value;
    };

  return {
    log: (log) => ({
      ...log,
      append: (taskId, speaker, events) =>
        around(`append ${keysOf(events)}`, () => log.append(taskId, speaker, events)),
    }),

    store: (store) => ({
      ...store,
      setPrepared: (...args) => around(inStep('set prepared'), () => store.setPrepared(...args)),
      memo: (taskId, key, compute) => store.memo(taskId, key, decided(key, compute)),
      memoOf: (claim, key, compute) => store.memoOf(claim, key, decided(key, compute)),
      async create(task, work) {
        const { within, committed } = transaction();
        const result = await store.create(task, (tx) => within(tx, work));
        committed();
        return result;
      },
      async locked(taskId, work) {
        const { within, committed } = transaction();
        const result = await store.locked(taskId, (tx) => within(tx, work));
        committed();
        return result;
      },
    }),

    sandboxes: (sessions) => {
      const watched = async (opening: Promise<Sandbox>): Promise<Sandbox> => {
        const sandbox = await opening;
        return {
          ...sandbox,
          exec: (request, options = {}) => {
            const what = inStep(`exec ${request.execId}`);
            const onOutput = options.onOutput;
            const shown = onOutput && {
              onOutput: (chunk: Parameters<typeof onOutput>[0]) => {
                onOutput(chunk);
                reach(`${what}: printed`);
              },
            };
            return around(what, () => sandbox.exec(request, { ...options, ...shown }));
          },
          writeFile: (request) => around(inStep('write file'), () => sandbox.writeFile(request)),
          putScratch: (...args) => around(inStep('put scratch'), () => sandbox.putScratch(...args)),
          getScratch: (...args) => around(inStep('get scratch'), () => sandbox.getScratch(...args)),
          killAll: (prefix) => around(inStep('kill all'), () => sandbox.killAll(prefix)),
        };
      };
      return {
        open: (taskId) => watched(sessions.open(taskId)),
        reopen: (taskId, signal) => watched(sessions.reopen(taskId, signal)),
        destroy: (taskId, ref) => sessions.destroy(taskId, ref),
      };
    },

    run: (run) => async (journal, claim) => {
      names.claimed(claim.turnId);
      reach(`${claim.turnId} claimed`);
      await run(
        {
          step: (name, work) => journal.step(name, () => step.run(name, () => around(`step ${name}`, work))),
        },
        claim,
      );
    },
  };
}

const keysOf = (events: readonly KeyedEvent[]): string => events.map(({ key }) => key).join(' + ');

const ID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const TURN = '# ';

/** The file of points, and the names that are the same in every run: without ids, attempts, epochs and offsets. */
function openPoints({ mode, file }: KillPointSettings): {
  names: { claimed(turnId: string): void };
  reach(point: string): void;
} {
  const lines = readLines(file);
  const turns = lines.flatMap((line) => (line.startsWith(TURN) ? [line.slice(TURN.length)] : []));
  const reached = new Set(lines.filter((line) => !line.startsWith(TURN)));
  const record = (line: string): void => appendFileSync(file, `${line}\n`, { flush: true });

  function nameOf(point: string): string {
    return point
      .replace(ID, (id) => (turns.includes(id) ? `turn${turns.indexOf(id) + 1}` : 'new'))
      .replace(/checkout:t-[-\w]+/g, 'checkout')
      .replace(/:called:\d+/g, ':called')
      .replace(/:retried:\d+/g, ':retried')
      .replace(/:\d+:text:\d+/g, ':text')
      .replace(/:output:(\w+):\d+/g, ':output:$1')
      .replace(/:(continued|waiting:\w+|sandbox:running|again):\d+/g, ':$1');
  }

  return {
    names: {
      claimed(turnId) {
        if (turns.includes(turnId)) return;
        turns.push(turnId);
        record(TURN + turnId);
      },
    },
    reach(point) {
      const name = nameOf(point);
      if (reached.has(name)) return;
      reached.add(name);
      record(name);
      if (mode === 'kill') process.kill(process.pid, 'SIGKILL');
    },
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
