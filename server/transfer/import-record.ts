import { type FileHandle, open } from 'node:fs/promises';
import pg from 'pg';
import { AppError } from '../errors.ts';
import { type EventOf, firstSeq, TaskEvent } from '../protocol/events.ts';
import { emptyTask, reduce } from '../protocol/reduce.ts';
import type { TaskState } from '../protocol/task.ts';
import { importedPublishId } from '../publish/publish-service.ts';
import type { RepositoryNames } from '../repo/transfer.ts';
import type { FileLine, LineOf } from './export-file.ts';
import { invalid } from './import-lines.ts';
import { importMedia, mediaKeysIn } from './media.ts';

/** What a file said, once all of it is in the tables. */
export interface ImportedRecord {
  task: LineOf<'task'>;
  /** At the file's last event. */
  state: TaskState;
  /** Of turns that have not ended, what the model answered. */
  answers: EventOf<'model.answered'>[];
  repository: RepositoryNames | undefined;
}

/** Events written at once, and UTF-16 units of their bodies. */
const BATCH = 500;
const BATCH_SIZE = 2 ** 22;

/**
 * Takes a file's lines in, in order, each checked against those before it: rows into the open transaction of `client`, in which
 * the task's own row is, and the pack of its objects into the file `pack`.
 * @throws {AppError} `import_invalid`, or `conflict` where another task has one of its turns
 */
export function createRecord(
  client: pg.PoolClient,
  pack: string,
): {
  add(line: FileLine, number: number): Promise<void>;
  finish(): Promise<ImportedRecord>;
  /** Lets go of the file. */
  close(): Promise<void>;
} {
  let task: LineOf<'task'> | undefined;
  let state: TaskState | undefined;
  let answers: EventOf<'model.answered'>[] = [];
  let repository: RepositoryNames | undefined;
  const media = importMedia(client);
  let objects: FileHandle | undefined;
  let batch: { event: TaskEvent; key: string; body: string }[] = [];
  let batchSize = 0;
  /** What the proposal is compared with at this event; it may have moved on since the task began. */
  let base: string | undefined;
  let last = 0;

  async function flush(): Promise<void> {
    await client
      .query(
        `INSERT INTO handoff.events (task_id, seq, key, at, type, body)
         SELECT $1, * FROM unnest($2::integer[], $3::text[], $4::bigint[], $5::text[], $6::json[])`,
        [
          task?.taskId,
          batch.map(({ event }) => event.seq),
          batch.map(({ key }) => key),
          batch.map(({ event }) => event.at),
          batch.map(({ event }) => event.type),
          batch.map(({ body }) => body),
        ],
      )
      .catch(asInvalid(last, 'two events have the same key'));
    batch = [];
    batchSize = 0;
  }

  async function addEvent(line: LineOf<'event'>, number: number): Promise<void> {
    const { seq, key, at, type, body } = line;
    const parsed = TaskEvent.safeParse({ ...body, seq, at, type });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw invalid(number, `the event ${issue?.path.join('.') || type}: ${issue?.message}`);
    }
    const event = asImported(parsed.data);
    const before = state?.seq ?? 0;
    if (seq <= before || firstSeq(event) !== before + 1)
      throw invalid(number, `event ${seq} does not follow event ${before}`);
    if (event.type === 'task.created' ? seq !== 1 || event.taskId !== task?.taskId : seq === 1)
      throw invalid(number, 'the log must begin with the making of this task, and make no other');
    if (event.type === 'proposal.changed' || event.type === 'base.updated') {
      const compared = event.type === 'base.updated' ? event.formerTree : event.baseTree;
      if ((base ??= compared) !== compared) throw invalid(number, ANOTHER_BASE);
      base = event.baseTree;
    }
    if (event.type === 'review.decided' && !task?.prepared)
      throw invalid(number, 'there is nothing to review in a task that has no repository');
    state = reduce(state ?? emptyTask(event.type === 'task.created' ? event.taskId : ''), event);
    media.expect(mediaKeysIn(event.type, event));
    if (event.type === 'model.answered') answers.push(event);
    if (event.type === 'turn.ended') answers = answers.filter(({ turnId }) => turnId !== event.turnId);
    const stored = bodyOf(event, number);
    batch.push({ event, key, body: stored });
    batchSize += stored.length;
    if (batch.length === BATCH || batchSize >= BATCH_SIZE) await flush();
  }

  return {
    async add(line, number) {
      last = number;
      if ((task === undefined) !== (line.line === 'task'))
        throw invalid(number, 'a file is about one task, which its first line names');
      switch (line.line) {
        case 'task':
          task = line;
          return;
        case 'turn':
          await client
            .query(
              `INSERT INTO handoff.turns (turn_id, task_id, created_at, state) VALUES ($1, $2, $3, 'ended')`,
              [line.turnId, task?.taskId, line.createdAt],
            )
            .catch(asConflict);
          return;
        case 'message':
          await client
            .query(
              `INSERT INTO handoff.messages (task_id, message_id, turn_id, text, selection, delivered_to)
               VALUES ($1, $2, $3, $4, $5, $6)`,
              [
                task?.taskId,
                line.messageId,
                line.turnId,
                line.text,
                JSON.stringify(line.selection),
                line.deliveredTo,
              ],
            )
            .catch(asInvalid(number, 'two messages have the same id'));
          return;
        case 'event':
          return addEvent(line, number);
        case 'media':
          return media.add(task?.taskId ?? '', line, number);
        case 'repository':
          repository = { refs: line.refs, shallow: line.shallow };
          return;
        case 'pack':
          objects ??= await open(pack, 'w', 0o600);
          await objects.write(Buffer.from(line.data, 'base64'));
          return;
        case 'end':
          return;
      }
    },

    async finish() {
      if (batch.length > 0) await flush();
      await media.finish();
      if (!task || !state || state.seq !== task.seq)
        throw invalid(last, `the log ends at event ${state?.seq ?? 0} and not at ${task?.seq ?? 0}`);
      if (base !== undefined && base !== task.prepared?.baseTree) throw invalid(last, ANOTHER_BASE);
      if (task.prepared && !(repository && objects)) throw invalid(last, 'the repository is missing');
      await client.query('UPDATE handoff.tasks SET seq = $2 WHERE task_id = $1', [task.taskId, state.seq]);
      await objects?.sync();
      return { task, state, answers, repository };
    },

    async close() {
      await objects?.close();
    },
  };
}

const ANOTHER_BASE = 'the proposal is not compared with what the task began with';

/** A publication that this relay did not make says so by its id: nobody may be led to a branch by it. */
const asImported = (event: TaskEvent): TaskEvent =>
  'publishId' in event ? { ...event, publishId: importedPublishId(event.publishId) } : event;

/** What is read without a limit of depth is not written without one. */
function bodyOf({ seq: _seq, at: _at, type: _type, ...body }: TaskEvent, number: number): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw cause instanceof RangeError ? invalid(number, 'it is nested too deeply', cause) : cause;
  }
}

/** Classes 22 (data exception) and 54 (limit exceeded): it is the file's content that Postgres does not take. */
export const isUnkeepable = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && /^(22|54)/.test(error.code ?? '');

const UNIQUE_VIOLATION = '23505';
const isDuplicate = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION;

function asInvalid(number: number, why: string) {
  return (error: unknown): never => {
    throw isDuplicate(error) ? invalid(number, why, error) : error;
  };
}

function asConflict(error: unknown): never {
  throw isDuplicate(error)
    ? new AppError('conflict', 'Another task of the relay has one of this task’s turns.', {
        cause: error,
        nextAction: 'Open that task; it may be this one under another name.',
      })
    : error;
}
