import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../engine/database.ts';
import { repoPath } from '../repo/repository.ts';
import { isImported, settleImport } from '../repo/transfer.ts';
import type { TaskSpec } from '../tasks/task-store.ts';
import type { Chore } from './housekeeping.ts';

/** How old (ms) a file must be that nothing refers to: nobody is at it any more. */
const ABANDONED_AFTER_MS = 24 * 3_600_000;
/** How old (ms) something is that was just made may still be referred to by what is not committed yet. */
const SETTLED_AFTER_MS = 3_600_000;

/** How many files are removed in one sweep, at most. */
const MOST = 500;

export interface FileChoreDeps {
  database: Database;
  reposDir: string;
  sourcesDir: string;
  transfersDir: string;
  /** This machine's name among the relays. */
  host: string;
  now: () => number;
}

/**
 * What this machine's folders have too much of. A repository is removed where this database says that its task was, never because
 * there is no such task: the folder may have served another database, and will again.
 */
export function fileChores(deps: FileChoreDeps): Chore[] {
  const chore = (name: string, run: (deps: FileChoreDeps) => Promise<number>): Chore => ({
    name,
    scope: 'machine',
    run: async () => {
      const removed = await run(deps);
      return { removed, isMore: removed >= MOST };
    },
  });
  return [
    chore('repositories of removed tasks', removedRepositories),
    chore('repositories of imports that came to nothing', unfinishedImports),
    chore('unfinished repositories', ({ reposDir }) =>
      removeOld(deps, reposDir, (name) => /\.git\.[a-z]+-/.test(name)),
    ),
    chore('uploads that were used', usedUploads),
    chore('uploads that broke off', ({ sourcesDir }) =>
      removeOld(deps, sourcesDir, (name) => name.endsWith('.partial')),
    ),
    chore('exports and imports that broke off', ({ transfersDir }) =>
      removeOld(deps, transfersDir, () => true),
    ),
  ];
}

/** Its row is locked meanwhile: an import of that very task waits, and brings its own repository. */
async function removedRepositories({ database, reposDir, host }: FileChoreDeps): Promise<number> {
  for (let removed = 0; ; removed++) {
    const isDone = await database.transaction(async (client) => {
      const { rows } = await client.query<{ taskId: string }>(
        `SELECT task_id AS "taskId" FROM handoff.removed_tasks WHERE host = $1 LIMIT 1 FOR UPDATE SKIP LOCKED`,
        [host],
      );
      if (!rows[0]) return true;
      await remove(repoPath({ reposDir }, rows[0].taskId));
      await client.query('DELETE FROM handoff.removed_tasks WHERE task_id = $1', [rows[0].taskId]);
      return false;
    });
    if (isDone || removed >= MOST) return removed;
  }
}

async function unfinishedImports({ database, reposDir, now }: FileChoreDeps): Promise<number> {
  let removed = 0;
  for (const name of (await namesIn(reposDir)).filter((name) => name.endsWith('.git'))) {
    const path = join(reposDir, name);
    if (!(await isImported(path)) || !(await isOlder(path, now() - SETTLED_AFTER_MS))) continue;
    const taskId = name.slice(0, -'.git'.length);
    const { rowCount } = await database.query('SELECT 1 FROM handoff.tasks WHERE task_id = $1', [taskId]);
    if (rowCount === 1) await settleImport(path);
    else {
      await remove(path);
      removed += 1;
    }
  }
  return removed;
}

/** A bundle is read once, when its task is prepared; one that no task names may be waited for by a client for a day. */
async function usedUploads({ database, sourcesDir, now }: FileChoreDeps): Promise<number> {
  const bundles = (await namesIn(sourcesDir)).filter((name) => name.endsWith('.bundle'));
  if (bundles.length === 0) return 0;
  // By text, because reading into JSON fails where anything in it is no text to Postgres.
  const { rows } = await database.query<{ spec: TaskSpec; isPrepared: boolean }>(
    `SELECT spec, prepared IS NOT NULL AS "isPrepared" FROM handoff.tasks WHERE spec::text LIKE '%"sourceId":%'`,
  );
  const waitedFor = new Set(
    rows.flatMap(({ spec, isPrepared }) => (isPrepared ? [] : [spec.source.sourceId])),
  );
  const used = new Set(rows.map(({ spec }) => spec.source.sourceId));
  let removed = 0;
  for (const name of bundles) {
    const sourceId = name.slice(0, -'.bundle'.length);
    const age = used.has(sourceId) ? SETTLED_AFTER_MS : ABANDONED_AFTER_MS;
    const path = join(sourcesDir, name);
    if (waitedFor.has(sourceId) || removed >= MOST || !(await isOlder(path, now() - age))) continue;
    await remove(path);
    removed += 1;
  }
  return removed;
}

async function removeOld(
  { now }: FileChoreDeps,
  folder: string,
  isWanted: (name: string) => boolean,
): Promise<number> {
  let removed = 0;
  for (const name of (await namesIn(folder)).filter(isWanted)) {
    const path = join(folder, name);
    if (removed >= MOST || !(await isOlder(path, now() - ABANDONED_AFTER_MS))) continue;
    await remove(path);
    removed += 1;
  }
  return removed;
}

/** None where there is no such folder. */
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });

/** Whether nothing was written to it since then; not where it is gone. */
async function isOlder(path: string, then: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < then;
}
