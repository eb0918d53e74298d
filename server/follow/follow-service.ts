import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Database } from '../engine/database.ts';
import { AppError } from '../errors.ts';
import type { Api } from '../github/api.ts';
import { type GitHubRepository, parseGitHubRemote } from '../github/remote-url.ts';
import type { MessageAccepted } from '../protocol/commands.ts';
import type { FollowPullRequest, PullRequestStatus } from '../protocol/follow.ts';
import type { EventLog } from '../tasks/event-log.ts';
import type { HoldTask } from '../tasks/task-hold.ts';
import type { TaskService } from '../tasks/task-service.ts';
import type { Fixes, Wish } from './fixes.ts';
import type { Hook } from './hooks.ts';
import type { Publications } from './publications.ts';
import type { ReadStatus } from './read-status.ts';
import { inOrder } from './status-changes.ts';

/** What becomes of a pull request once it is open. */
export interface FollowService {
  /** Looks at it as the owner of the token, and tells of what is new. What is known stays known where that fails. */
  refresh(taskId: string, token: string | undefined): Promise<PullRequestStatus>;
  /** Hands failed checks and comments to the agent: one message, one turn, once however often it is asked. */
  fix(taskId: string, wish: Wish, token: string | undefined): Promise<MessageAccepted>;
  /** How many turns may be spent on failed checks with nobody asked. */
  follow(taskId: string, wish: FollowPullRequest): Promise<void>;
  /** Takes in what GitHub tells by itself, once. @param deliveryId the same for the same message */
  hear(deliveryId: string, hook: Hook): Promise<void>;
}

export interface FollowDeps {
  database: Database;
  tasks: Pick<TaskService, 'get' | 'row'>;
  hold: HoldTask;
  log: Pick<EventLog, 'append'>;
  publications: Publications;
  fixes: Fixes;
  readStatus: ReadStatus;
  /** Where this relay's GitHub is; the token is sent there and nowhere else. */
  githubUrl: string;
  apiUrl: string;
  now: () => number;
  logger: Logger;
}

/** A pull request of this relay's GitHub. */
export interface PullRequestPlace extends GitHubRepository {
  number: number;
  url: string;
}

export function createFollowService(deps: FollowDeps): FollowService {
  const { database, tasks, hold, publications, fixes } = deps;

  async function opened(taskId: string): Promise<PullRequestPlace | undefined> {
    const pullRequest = await publications.pullRequestOf(taskId);
    const place = pullRequest && parsePullRequest(pullRequest.url, deps.githubUrl);
    return place && { ...place, ...pullRequest };
  }

  async function placeOf(taskId: string): Promise<PullRequestPlace> {
    const place = await opened(taskId);
    if (place) return place;
    throw new AppError('conflict', 'No pull request was opened for this task here.', {
      nextAction: 'Open one, then follow it.',
    });
  }

  /**
   * Tells of the status where it differs from what is known, and whether the task's machine is still wanted.
   * @param key the same for the same news
   */
  function record(
    taskId: string,
    { url, number }: PullRequestPlace,
    headCommit: string,
    { key, change }: { key: string; change: (status: PullRequestStatus) => PullRequestStatus | undefined },
  ): Promise<PullRequestStatus> {
    return hold(taskId, async ({ state, append, client }) => {
      const known = state.pullRequest?.url === url ? state.pullRequest : undefined;
      const before = known ?? unseen({ url, number, headCommit });
      const changed = change(before);
      const status = changed && inOrder(changed);
      if (status === undefined || isDeepStrictEqual(status, known)) return before;
      await append([{ key, event: { type: 'pull_request.changed', status } }]);
      if (status.state !== before.state) {
        await client.query('UPDATE handoff.machines SET unwanted = $2 WHERE task_id = $1', [
          taskId,
          status.state !== 'open',
        ]);
      }
      return status;
    });
  }

  /** The status is known by then: what comes of it may fail, and is tried again at the next news. */
  async function mendAlone(taskId: string, api: Api | undefined, place: GitHubRepository): Promise<void> {
    await fixes
      .alone(taskId, { api, place })
      .catch((error: unknown) =>
        deps.logger.warn({ taskId, err: error }, 'failed checks could not be handed to the agent'),
      );
  }

  async function hearFor(taskId: string, deliveryId: string, hook: Hook): Promise<void> {
    const place = await opened(taskId);
    if (!place) return;
    const isMeant =
      hook.pullUrl === undefined
        ? place.url.startsWith(`${hook.repositoryUrl}/pull/`)
        : place.url === hook.pullUrl;
    if (!isMeant || (await tasks.row(taskId)).archived) return;
    const newest = (await publications.pushedOf(taskId))?.commit ?? '';
    await record(taskId, place, newest, {
      key: `hook:${deliveryId}`,
      change: (status) => {
        const at = hook.commit === newest ? movedTo(status, newest) : status;
        return hook.commit === undefined || hook.commit === at.headCommit ? hook.change(at) : undefined;
      },
    });
    await mendAlone(taskId, undefined, place);
  }

  return {
    async refresh(taskId, token) {
      const place = await placeOf(taskId);
      const api = { apiUrl: deps.apiUrl, token: needed(token) };
      const seen = await deps.readStatus(api, place);
      const status = await record(taskId, place, seen.headCommit, {
        key: `pull-request:${randomUUID()}`,
        change: () => seen,
      });
      await mendAlone(taskId, api, place);
      return status;
    },

    async fix(taskId, wish, token) {
      const place = await placeOf(taskId);
      return fixes.asked(taskId, wish, { api: { apiUrl: deps.apiUrl, token: needed(token) }, place });
    },

    async follow(taskId, { autoFix }) {
      const { follow } = await tasks.get(taskId);
      if ((follow?.autoFix ?? 0) === autoFix) return;
      await deps.log.append(taskId, null, [
        { key: `follow:${randomUUID()}`, event: { type: 'follow.changed', autoFix } },
      ]);
    },

    async hear(deliveryId, hook) {
      const known = await database.query('SELECT 1 FROM handoff.deliveries WHERE delivery_id = $1', [
        deliveryId,
      ]);
      if (known.rowCount !== 0) return;
      const { pullUrl: url, commit } = hook;
      for (const taskId of await publications.tasksOf({ url, commit }))
        await hearFor(taskId, deliveryId, hook);
      // Last: what a relay that was killed had not taken in is taken in when it is delivered again.
      await database.query(
        'INSERT INTO handoff.deliveries (delivery_id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING',
        [deliveryId, deps.now()],
      );
    },
  };
}

/** A pull request that was opened here, and that nobody has looked at. */
const unseen = (opened: Pick<PullRequestStatus, 'number' | 'url' | 'headCommit'>): PullRequestStatus => ({
  ...opened,
  state: 'open',
  isDraft: false,
  checks: [],
  comments: [],
});

/** News of the commit that was pushed last may come before the news that it was. */
function movedTo(status: PullRequestStatus, headCommit: string): PullRequestStatus {
  if (status.headCommit === headCommit) return status;
  const { isMergeable: _past, ...rest } = status;
  return { ...rest, headCommit, checks: [] };
}

function parsePullRequest(url: string, githubUrl: string): GitHubRepository | undefined {
  const [, repository] = /^(.+)\/pull\/\d+$/.exec(url) ?? [];
  return repository === undefined ? undefined : parseGitHubRemote(repository, githubUrl);
}

function needed(token: string | undefined): string {
  if (token) return token;
  throw new AppError('token_required', 'A GitHub token is needed to look at the pull request as you.', {
    nextAction: 'Sign in to GitHub, and send the token in the header x-github-token.',
  });
}
