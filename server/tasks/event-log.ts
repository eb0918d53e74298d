import type { Database } from '../engine/database.ts';
import type { Notices } from '../engine/notices.ts';
import type { NewEvent, TaskEvent } from '../protocol/events.ts';

/** An event with the identity that makes appending it twice the same as once; unique in its task. */
export interface KeyedEvent {
  key: string;
  event: NewEvent;
}

/** In whose name something is appended: of the claim under which a turn runs, or (without an epoch) of a command about it. */
export interface Speaker {
  turnId: string;
  epoch?: number;
}

/** What is known once something was appended. */
export interface Appended {
  /** The task's last: of the last event, where it was new. */
  seq: number;
  /** Whether the person has said something that nobody has read yet; looked for on behalf of whoever runs a turn. */
  hasMessages: boolean;
}

/** The append-only log of what happened to each task. */
export interface EventLog {
  /**
   * Appends what is new of `events`, in order.
   * @param speaker may say no more, and the answer is undefined, once its turn has ended or was claimed by another
   */
  append(taskId: string, speaker: Speaker | null, events: KeyedEvent[]): Promise<Appended | undefined>;
  read(taskId: string, after: number, limit?: number): Promise<TaskEvent[]>;
  /** The event of that identity, if it was appended. */
  find(taskId: string, key: string): Promise<TaskEvent | undefined>;
  /** The events whose keys begin with `prefix`, in order. */
  findAll(taskId: string, prefix: string): Promise<TaskEvent[]>;
  /** Every event after `after`, in batches as they come, until the signal aborts. */
  follow(taskId: string, after: number, signal: AbortSignal): AsyncGenerator<TaskEvent[]>;
}

const PAGE = 1000;

/** A notice can be lost with its connection; looking this often (ms) bounds what that costs. */
const LOOK_ANYWAY_MS = 10_000;

interface Row {
  seq: number;
  at: string;
  type: string;
  body: Record<string, unknown>;
}

export function createEventLog(database: Database, notices: Notices, now: () => number): EventLog {
  // The log is written by `append` alone, from checked types; reading it back is not checked again.
  const toEvent = (row: Row): TaskEvent =>
    ({ seq: row.seq, at: Number(row.at), type: row.type, ...row.body }) as TaskEvent;

  const log: EventLog = {
    async append(taskId, speaker, events) {
      const { rows } = await database.query<AppendedRow>({
        name: 'append-events',
        text: APPEND_EVENTS,
        values: appendValues(taskId, speaker, now(), events),
      });
      const { last, hasMessages } = rows[0] ?? { last: -1, hasMessages: false };
      return last === -1 ? undefined : { seq: last, hasMessages };
    },

    async read(taskId, after, limit = PAGE) {
      const { rows } = await database.query<Row>({
        name: 'read-events',
        text: 'SELECT seq, at, type, body FROM handoff.events WHERE task_id = $1 AND seq > $2 ORDER BY seq LIMIT $3',
        values: [taskId, after, limit],
      });
      return rows.map(toEvent);
    },

    async find(taskId, key) {
      const { rows } = await database.query<Row>({
        name: 'find-event',
        text: 'SELECT seq, at, type, body FROM handoff.events WHERE task_id = $1 AND key = $2',
        values: [taskId, key],
      });
      return rows[0] && toEvent(rows[0]);
    },

    async findAll(taskId, prefix) {
      const { rows } = await database.query<Row>({
        name: 'find-events',
        text: `SELECT seq, at, type, body FROM handoff.events
               WHERE task_id = $1 AND key >= $2 AND key < $3 ORDER BY seq`,
        values: [taskId, prefix, `${prefix}\u{10ffff}`],
      });
      return rows.map(toEvent);
    },

    async *follow(taskId, after, signal) {
      let cursor = after;
      let news = Promise.withResolvers<void>();
      const wake = (): void => news.resolve();
      const unsubscribe = notices.subscribe(taskId, wake);
      signal.addEventListener('abort', wake, { once: true });
      try {
        while (!signal.aborted) {
          // Renewed before reading: a notice during the read is not lost.
          news = Promise.withResolvers<void>();
          const events = await log.read(taskId, cursor);
          cursor = events.at(-1)?.seq ?? cursor;
          if (events.length > 0) {
            yield events;
            continue;
          }
          const timer = setTimeout(wake, LOOK_ANYWAY_MS);
          if (!signal.aborted) await news.promise;
          clearTimeout(timer);
        }
      } finally {
        unsubscribe();
        signal.removeEventListener('abort', wake);
      }
    },
  };
  return log;
}

/** Appends, and answers the task's last seq as `last`; -1 where the turn may say no more. */
export const APPEND_EVENTS =
  'SELECT last, has_messages AS "hasMessages" FROM handoff.append_events($1, $2, $3, $4, $5, $6, $7::json[])';
export interface AppendedRow {
  last: number;
  hasMessages: boolean;
}

export function appendValues(
  taskId: string,
  speaker: Speaker | null,
  at: number,
  events: KeyedEvent[],
): unknown[] {
  const bodies = events.map(({ event: { type: _type, ...body } }) => JSON.stringify(body));
  const keys = events.map(({ key }) => key);
  const types = events.map(({ event }) => event.type);
  return [taskId, speaker?.turnId ?? null, speaker?.epoch ?? null, at, keys, types, bodies];
}

/** Every event of a task from `after` on, page by page. */
export async function readAll(
  log: EventLog,
  taskId: string,
  after = 0,
  until = Infinity,
): Promise<TaskEvent[]> {
  const all: TaskEvent[] = [];
  for (let cursor = after; ; ) {
    const page = await log.read(taskId, cursor, PAGE);
    for (const event of page) if (event.seq <= until) all.push(event);
    const last = page.at(-1)?.seq;
    if (last === undefined || last >= until || page.length < PAGE) return all;
    cursor = last;
  }
}
