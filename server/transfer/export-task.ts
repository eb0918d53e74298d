import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import type { Database } from '../engine/database.ts';
import { AppError } from '../errors.ts';
import type { SourceSpec } from '../protocol/source.ts';
import type { RepoDeps } from '../repo/repository.ts';
import { packRepository } from '../repo/transfer.ts';
import { noSuchTask } from '../tasks/postgres-store.ts';
import type { Prepared, TaskSpec } from '../tasks/task-store.ts';
import { type FileLine, FORMAT, FORMAT_VERSION, PIECE_BYTES } from './export-file.ts';
import { createTally, LIMITS, tooLargeToCarry } from './limits.ts';
import { mediaKeysIn, mediaLines } from './media.ts';
import { waysTo } from './ways.ts';

/** A task's file, ready to be sent. */
export interface ExportedTask {
  name: string;
  bytes: number;
  /** Read it to its end, or destroy it. */
  content: Readable;
}

export interface ExportDeps {
  database: Database;
  repo: RepoDeps;
  /** Where files are put together; what is left there is of nobody's use. */
  transfersDir: string;
  /** This machine's name among the relays. */
  host: string;
  version: string;
}

/** Events read at once. */
const PAGE = 200;

/**
 * Writes a task's file as of one instant, then hands it over: whoever reads it slowly holds nothing of the database.
 * Throws `host_away` where the task's repository is on another machine, `too_large` where no relay would import the file, `not_ready`
 * where many are exported.
 */
export async function exportTask(deps: ExportDeps, taskId: string): Promise<ExportedTask> {
  const folder = join(deps.transfersDir, randomUUID());
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const file = join(folder, 'task');
    await waysTo(deps.database).exporting(() =>
      deps.database.snapshot((client) =>
        pipeline(
          Readable.from(linesOf(deps, client, taskId, folder)),
          createGzip({ level: 6 }),
          createWriteStream(file, { mode: 0o600 }),
        ),
      ),
    );
    const { size } = await stat(file);
    if (size > LIMITS.file) throw tooLargeToCarry(`the file has more than ${LIMITS.file} bytes`);
    const handle = await open(file);
    const name = `handoff-${taskId.slice(0, 8)}.handoff-task.gz`;
    return { name, bytes: size, content: handle.createReadStream() };
  } finally {
    // What is open can be read on.
    await rm(folder, { recursive: true, force: true });
  }
}

async function* linesOf(
  deps: ExportDeps,
  client: pg.PoolClient,
  taskId: string,
  folder: string,
): AsyncGenerator<string> {
  const tally = createTally();
  const line = (content: FileLine): string => {
    const text = JSON.stringify(content);
    const tooMuch = tally.add(content.line, Buffer.byteLength(text));
    if (tooMuch !== undefined) throw tooLargeToCarry(tooMuch);
    return `${text}\n`;
  };
  const { prepared, host, overlay, ...task } = await readTask(client, taskId);
  if (prepared && host !== deps.host) throw onAnotherMachine();
  yield line({
    line: 'task',
    format: FORMAT,
    version: FORMAT_VERSION,
    exportedBy: deps.version,
    taskId,
    createdAt: Number(task.createdAt),
    seq: task.seq,
    archived: task.archived,
    source: { ...task.spec.source, overlay },
    ...(task.spec.model === undefined ? {} : { model: task.spec.model }),
    prepared,
  });
  const turns = await client.query<{ turnId: string; createdAt: string }>(
    'SELECT turn_id AS "turnId", created_at AS "createdAt" FROM handoff.turns WHERE task_id = $1 ORDER BY place',
    [taskId],
  );
  for (const { turnId, createdAt } of turns.rows)
    yield line({ line: 'turn', turnId, createdAt: Number(createdAt) });
  const messages = await client.query<Omit<Extract<FileLine, { line: 'message' }>, 'line'>>(
    `SELECT message_id AS "messageId", turn_id AS "turnId", text, selection, delivered_to AS "deliveredTo"
     FROM handoff.messages WHERE task_id = $1 ORDER BY place`,
    [taskId],
  );
  for (const message of messages.rows) yield line({ line: 'message', ...message });
  const shown: string[] = [];
  for (let after = 0; ; ) {
    const { rows } = await client.query<EventRow>(
      `SELECT seq, key, at, type, body FROM handoff.events
       WHERE task_id = $1 AND seq > $2 ORDER BY seq LIMIT ${PAGE}`,
      [taskId, after],
    );
    for (const event of rows) {
      yield line({ line: 'event', ...event, at: Number(event.at) });
      shown.push(...mediaKeysIn(event.type, event.body));
    }
    after = rows.at(-1)?.seq ?? after;
    if (rows.length < PAGE) break;
  }
  for await (const media of mediaLines(client, taskId, shown)) yield line(media);
  // After the snapshot began: an event that names an object is appended after that is there.
  const packed = prepared ? await packRepository(deps.repo, taskId, folder) : undefined;
  if (packed) {
    const { pack, ...names } = packed;
    yield line({ line: 'repository', ...names });
    for await (const piece of createReadStream(pack, { highWaterMark: PIECE_BYTES })) {
      yield line({ line: 'pack', data: (piece as Buffer).toString('base64') });
    }
  }
  yield line({ line: 'end' });
}

interface EventRow {
  seq: number;
  key: string;
  at: string;
  type: string;
  body: Record<string, unknown>;
}

interface TaskColumns {
  createdAt: string;
  seq: number;
  archived: boolean;
  spec: TaskSpec;
  overlay: SourceSpec['overlay'];
  prepared: Prepared | null;
  host: string | null;
}

async function readTask(client: pg.PoolClient, taskId: string): Promise<TaskColumns> {
  const { rows } = await client.query<TaskColumns>(
    `SELECT created_at AS "createdAt", seq, archived, spec, overlay, prepared, host
     FROM handoff.tasks WHERE task_id = $1`,
    [taskId],
  );
  if (!rows[0]) throw noSuchTask(taskId);
  return rows[0];
}

const onAnotherMachine = (): AppError =>
  new AppError('host_away', 'The task’s repository is on another machine of this relay.', {
    nextAction: 'Ask a relay on that machine for it.',
  });
