import type { Claim } from '../../server/engine/claims.ts';
import type { NewEvent, TaskEvent } from '../../server/protocol/events.ts';
import type { EventLog, KeyedEvent } from '../../server/tasks/event-log.ts';
import type { Prepared, TaskRow, TaskStore, TaskTransaction } from '../../server/tasks/task-store.ts';
import type { TurnSignals } from '../../server/tasks/turn-signals.ts';

/** Event log, store and signals of one task, held in variables: what is left of the loop's collaborators without durability. */
export interface MemoryTask {
  log: EventLog;
  store: TaskStore;
  signals: TurnSignals;
  /** The person says something more. */
  say(messageId: string, text: string): void;
}

/** Has what a turn calls; what only commands of a person call says so. */
export function createMemoryTask(row: TaskRow, turnId: string, prompt: string): MemoryTask {
  const events: TaskEvent[] = [];
  const keys = new Map<string, TaskEvent>();
  const memos = new Map<string, unknown>();
  let undelivered = [{ messageId: `${turnId}:prompt`, text: prompt, selection: [] }];
  let current = row;

  const append = (added: KeyedEvent[]): number => {
    for (const { key, event } of added) {
      if (keys.has(key)) continue;
      const numbered = number(event, events.length + 1);
      events.push(numbered);
      keys.set(key, numbered);
    }
    return events.length;
  };

  const log: EventLog = {
    append: async (_taskId, _speaker, added) => ({
      seq: append(added),
      hasMessages: undelivered.length > 0,
    }),
    read: async (_taskId, after, limit = 1000) => events.slice(after, after + limit),
    find: async (_taskId, key) => keys.get(key),
    findAll: async (_taskId, prefix) =>
      [...keys].filter(([key]) => key.startsWith(prefix)).map(([, event]) => event),
    follow: notOfATurn,
  };
  const standing = async () => ({ state: 'running' as const, epoch: 1, stopRequested: false });
  const transaction: TaskTransaction = {
    row,
    endTurn: async () => {},
    standing,
    hasUndelivered: async () => undelivered.length > 0,
    async takeMessages() {
      const taken = undelivered;
      undelivered = [];
      return taken;
    },
    questions: async () => [],
    append: async (_speaker, added) => append(added) >= 0,
    startTurn: notOfATurn,
    parkTurn: notOfATurn,
    continueTurn: notOfATurn,
    requestStop: notOfATurn,
    requestAgentStop: notOfATurn,
    addMessage: notOfATurn,
    findMessage: notOfATurn,
    editMessage: notOfATurn,
    removeMessage: notOfATurn,
    takeUndelivered: notOfATurn,
    setArchived: notOfATurn,
    disarm: notOfATurn,
  };
  const store: TaskStore = {
    get: async () => current,
    setPrepared: async (_taskId, prepared: Prepared) => {
      current = { ...current, prepared };
    },
    overlay: async () => [],
    locked: (_taskId, work) => work(transaction),
    standing,
    stoppedAgents: async () => [],
    hasMessagesFor: async () => undelivered.length > 0,
    async memo<T>(_taskId: string, key: string, compute: () => Promise<T>) {
      if (!memos.has(key)) memos.set(key, await compute());
      return memos.get(key) as T;
    },
    memoOf: async <T>({ taskId }: Claim, key: string, compute: () => Promise<T>) => ({
      value: await store.memo(taskId, key, compute),
    }),
    page: notOfATurn,
    findByClient: notOfATurn,
    unreleased: notOfATurn,
    setReleased: notOfATurn,
    create: notOfATurn,
  };
  const { signal } = new AbortController();
  return {
    log,
    store,
    signals: {
      of: async () => signal,
      ofAgent: async () => ({ signal, release: () => {} }),
      release: () => {},
    },
    say(messageId, text) {
      undelivered.push({ messageId, text, selection: [] });
    },
  };
}

const number = (event: NewEvent, seq: number): TaskEvent => ({ ...event, seq, at: Date.now() }) as TaskEvent;

function notOfATurn(): never {
  throw new Error('a turn does not do this');
}
