import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type pg from 'pg';
import type { Database } from '../engine/database.ts';
import { AppError } from '../errors.ts';
import type { TaskImported } from '../protocol/commands.ts';
import type { RepoDeps } from '../repo/repository.ts';
import { isFileUrl } from '../repo/source-url.ts';
import { unpackRepository } from '../repo/transfer.ts';
import { APPEND_EVENTS, appendValues } from '../tasks/event-log.ts';
import type { LineOf } from './export-file.ts';
import { closingEvents } from './import-closing.ts';
import { invalid, readLines } from './import-lines.ts';
import { createRecord, type ImportedRecord, isUnkeepable } from './import-record.ts';
import { LIMITS } from './limits.ts';
import { receiveFile } from './receive-file.ts';
import { waysTo } from './ways.ts';

export interface ImportDeps {
  database: Database;
  repo: RepoDeps;
  transfersDir: string;
  /** This machine's name among the relays. */
  host: string;
  /** Whether the user may have this machine's files read. */
  mayReadFiles: (owner: string) => boolean;
  now: () => number;
}

/**
 * Makes a task of a file, whole or not at all: it belongs to `owner` and to this machine from then on. What had not come to its end
 * where it comes from does not go on here: the log says so, and a message starts a new turn.
 *
 * Throws `import_invalid`, `conflict` where the relay has that task, `payload_too_large`, `not_ready` where many are imported.
 */
export async function importTask(deps: ImportDeps, body: Readable, owner: string): Promise<TaskImported> {
  const folder = join(deps.transfersDir, randomUUID());
  try {
    const file = join(folder, 'task');
    await receiveFile(body, file, {
      maxBytes: LIMITS.file,
      nextAction: 'Archive the task where it is, and start a new one here.',
    });
    // Tells this import's row from another's where the answer to a commit was lost and everything is tried again.
    const clientId = `imported:${randomUUID()}`;
    const incoming = { folder, file, clientId, owner };
    return await waysTo(deps.database).importing(() =>
      deps.database.transaction((client) => restore(deps, client, incoming)),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Incoming {
  folder: string;
  file: string;
  clientId: string;
  owner: string;
}

async function restore(deps: ImportDeps, client: pg.PoolClient, incoming: Incoming): Promise<TaskImported> {
  const pack = join(incoming.folder, 'pack');
  const record = createRecord(client, pack);
  let at = 0;
  try {
    for await (const { line, number } of readLines(incoming.file)) {
      at = number;
      if (line.line === 'task' && number === 1) {
        const before = await insertTask(deps, client, incoming, line);
        if (before !== undefined) return before;
      }
      await record.add(line, number);
    }
    const imported = await record.finish();
    const seq = await append(deps, client, imported);
    const { task, repository, state } = imported;
    if (repository && task.prepared) {
      const { source, prepared } = task;
      const known = [state.proposal?.headTree, state.workspaceTree];
      const trees = known.filter((tree) => tree !== undefined);
      const parts = { ...repository, pack, source, prepared, trees };
      const unpacked = await unpackRepository(deps.repo, task.taskId, parts);
      // The last thing before the commit. Where that fails, housekeeping finds a repository that came in a file, without a task.
      await unpacked.settle().catch(async (error: unknown) => {
        await unpacked.discard();
        throw error;
      });
    }
    return { taskId: task.taskId, seq };
  } catch (error) {
    throw isUnkeepable(error) ? invalid(at, 'the database cannot keep what is there', error) : error;
  } finally {
    await record.close();
  }
}

/** @returns what an earlier try of this very import came to, if there was one whose commit went unheard */
async function insertTask(
  { host, now, mayReadFiles }: ImportDeps,
  client: pg.PoolClient,
  { clientId, owner }: Incoming,
  task: LineOf<'task'>,
): Promise<TaskImported | undefined> {
  const { taskId, createdAt, archived, source, model, prepared } = task;
  const { overlay, url, ...rest } = source;
  // The file names a folder of this machine, which whoever brought it may have no business with.
  const isReadable = url !== undefined && (!isFileUrl(url) || mayReadFiles(owner));
  const place = { ...rest, ...(isReadable ? { url } : {}) };
  const spec = { source: place, ...(model === undefined ? {} : { model }) };
  const { rowCount } = await client.query(
    `INSERT INTO handoff.tasks
       (task_id, client_id, created_at, updated_at, spec, overlay, prepared, archived, owner, host)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (task_id) DO NOTHING`,
    [
      taskId,
      clientId,
      createdAt,
      now(),
      JSON.stringify(spec),
      JSON.stringify(overlay),
      prepared && JSON.stringify(prepared),
      archived,
      owner,
      host,
    ],
  );
  if (rowCount === 1) {
    // It may have been here, and its repository not yet removed.
    await client.query('DELETE FROM handoff.removed_tasks WHERE task_id = $1', [taskId]);
    return undefined;
  }
  const { rows } = await client.query<{ clientId: string; seq: number }>(
    'SELECT client_id AS "clientId", seq FROM handoff.tasks WHERE task_id = $1',
    [taskId],
  );
  if (rows[0]?.clientId === clientId) return { taskId, seq: rows[0].seq };
  throw new AppError('conflict', 'The relay has this task already.', {
    nextAction: 'Open it there; it need not be imported.',
  });
}

/** Ends what cannot go on here, and says that the task was imported. @returns the last event's seq */
async function append(deps: ImportDeps, client: pg.PoolClient, imported: ImportedRecord): Promise<number> {
  const { rows } = await client.query<{ last: number }>(
    APPEND_EVENTS,
    appendValues(imported.task.taskId, null, deps.now(), closingEvents(imported)),
  );
  return rows[0]?.last ?? 0;
}
