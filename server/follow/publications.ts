import type { Database } from '../engine/database.ts';
import type { PullRequest } from '../protocol/events.ts';
import { isImported } from '../publish/publish-service.ts';

/** A commit that this relay pushed for a task. */
export interface PushedCommit {
  commit: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** What this relay pushed and opened, as the logs tell it. What another relay wrote, from which a task came, is no part of it. */
export interface Publications {
  /** The pull request that was opened last, if one was. */
  pullRequestOf(taskId: string): Promise<Pick<PullRequest, 'number' | 'url'> | undefined>;
  /** The commit that was pushed last, if one was. */
  pushedOf(taskId: string): Promise<PushedCommit | undefined>;
  /** The tasks for which a pull request of that address was opened, or that commit pushed. */
  tasksOf(about: { url?: string | undefined; commit?: string | undefined }): Promise<string[]>;
}

interface Row {
  taskId: string;
  at: string;
  body: { publishId: string; commit?: string; pullRequest?: PullRequest };
}

const COLUMNS = 'task_id AS "taskId", at, body';

export function createPublications(database: Pick<Database, 'query'>): Publications {
  const own = async (where: string, values: unknown[]): Promise<Row[]> => {
    const { rows } = await database.query<Row>(
      `SELECT ${COLUMNS} FROM handoff.events WHERE ${where}`,
      values,
    );
    return rows.filter(({ body }) => !isImported(body.publishId));
  };
  const last = async (taskId: string, type: string): Promise<Row | undefined> =>
    (await own(`task_id = $1 AND type = '${type}' ORDER BY seq`, [taskId])).at(-1);

  return {
    async pullRequestOf(taskId) {
      const opened = (await last(taskId, 'publish.opened'))?.body.pullRequest;
      return opened && { number: opened.number, url: opened.url };
    },
    async pushedOf(taskId) {
      const pushed = await last(taskId, 'publish.pushed');
      return pushed?.body.commit === undefined
        ? undefined
        : { commit: pushed.body.commit, at: Number(pushed.at) };
    },
    async tasksOf({ url, commit }) {
      const found = [
        ...(url === undefined
          ? []
          : await own(`type = 'publish.opened' AND body -> 'pullRequest' ->> 'url' = $1`, [url])),
        ...(commit === undefined
          ? []
          : await own(`type = 'publish.pushed' AND body ->> 'commit' = $1`, [commit])),
      ];
      return [...new Set(found.map(({ taskId }) => taskId))];
    },
  };
}
