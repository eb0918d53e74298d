import type { Logger } from 'pino';
import type { Steps } from '../engine/durable.ts';
import { AppError, toFailure } from '../errors.ts';
import type { Person } from '../protocol/commands.ts';
import type { Failure } from '../protocol/errors.ts';
import type { NewEvent, PullRequest } from '../protocol/events.ts';
import type { Publish } from '../protocol/task.ts';
import type { CommitRequest } from '../repo/publish.ts';
import type { EventLog } from './event-log.ts';
import type { TaskRow, TaskStore } from './task-store.ts';

/** The person's token while a publication runs: in memory only, never in the journal, gone with the process. */
export interface TokenVault {
  put(publishId: string, token: string): void;
  drop(publishId: string): void;
  /** Throws `token_required` where the relay was restarted since. */
  get(publishId: string): string;
}

export function createTokenVault(): TokenVault {
  const tokens = new Map<string, string>();
  return {
    put: (publishId, token) => void tokens.set(publishId, token),
    drop: (publishId) => void tokens.delete(publishId),
    get(publishId) {
      const token = tokens.get(publishId);
      if (token) return token;
      throw new AppError('token_required', 'The relay was restarted, and it keeps no token.', {
        nextAction: 'Open the pull request again: what was pushed is found and gone on with.',
      });
    },
  };
}

export interface PublishInput {
  taskId: string;
  publishId: string;
  acceptedTree: string;
  title: string;
  body: string;
  draft: boolean;
  branch: string;
  author: Person | null;
}

/** The Git and GitHub work of a publication. Every function may be repeated; `token` is the person's. */
export interface Remote {
  viewer(token: string): Promise<Person>;
  commit(input: CommitRequest): Promise<{ commit: string }>;
  push(
    row: TaskRow,
    input: { commit: string; acceptedTree: string; branch: string; token: string },
  ): Promise<void>;
  open(row: TaskRow, input: PublishInput & { token: string }): Promise<PullRequest>;
  /** Where the person can open the pull request by hand, if the remote has such a page. */
  compareUrl(row: TaskRow, input: PublishInput): string | undefined;
}

export interface PublishDeps {
  store: TaskStore;
  log: EventLog;
  tokens: TokenVault;
  remote: Remote;
  now: () => number;
  logger: Logger;
}

/** Ends a publication that no relay of this version can go on with, with a word that says so. */
export async function giveUpPublish(log: EventLog, { taskId, publishId }: PublishInput): Promise<void> {
  const error: Failure = {
    code: 'interrupted',
    message: 'Another version of the relay began this, and this one cannot go on with it.',
    nextAction: 'Open the pull request again: what was pushed is found and gone on with.',
  };
  await log.append(taskId, null, [
    { key: `${publishId}:failed`, event: { type: 'publish.failed', publishId, error } },
  ]);
}

type Outcome<T> = { ok: true; value: T } | { ok: false; failure: Failure };

/** Commit, push, pull request: each a journaled step that recognises its own earlier work. */
export function createPublish(deps: PublishDeps) {
  return async (steps: Steps, input: PublishInput): Promise<Publish> => {
    const { taskId, publishId, acceptedTree, branch } = input;
    const { store, log, tokens, remote } = deps;
    const result: Publish = { publishId, stage: 'started', branch, acceptedTree };

    const tell = (stage: string, event: NewEvent): Promise<unknown> =>
      log.append(taskId, null, [{ key: `${publishId}:${stage}`, event }]);
    /** A failure is a result, so that it is journaled like one; only its description leaves this function. */
    const attempt = <T>(name: string, work: (row: TaskRow) => Promise<T>): Promise<Outcome<T>> =>
      steps.step(name, async () => {
        try {
          const row = await store.get(taskId);
          if (!row) throw new AppError('not_found', 'The task is gone.');
          return { ok: true, value: await work(row) } as const;
        } catch (error) {
          deps.logger.warn(
            { taskId, publishId, step: name, code: toFailure(error).code },
            'publishing failed',
          );
          return { ok: false, failure: toFailure(error) } as const;
        }
      });
    const fail = async (error: Failure, compareUrl?: string): Promise<Publish> => {
      const said = { error, ...(compareUrl === undefined ? {} : { compareUrl }) };
      await steps.step('failed', () => tell('failed', { type: 'publish.failed', publishId, ...said }));
      return { ...result, stage: 'failed', ...said };
    };

    await steps.step('started', () =>
      tell('started', { type: 'publish.started', publishId, branch, acceptedTree }),
    );
    const committed = await attempt('commit', async ({ prepared }) => {
      // Asked for first: without it nothing can come of this, and whoever took it up has nothing of the task besides.
      tokens.get(publishId);
      if (!prepared) throw new AppError('conflict', 'The task has no base to commit on.');
      const author = input.author ?? (await remote.viewer(tokens.get(publishId)));
      const at = await store.memo(taskId, `${publishId}:at`, async () => deps.now());
      const message = input.body.trim() === '' ? input.title : `${input.title}\n\n${input.body.trim()}`;
      const { baseCommit } = prepared;
      const { commit } = await remote.commit({
        taskId,
        acceptedTree,
        baseCommit,
        author,
        message: `${message}\n`,
        at,
      });
      await tell('committed', { type: 'publish.committed', publishId, commit, tree: acceptedTree });
      return commit;
    });
    if (!committed.ok) return fail(committed.failure);
    const commit = committed.value;
    result.commit = commit;

    const pushed = await attempt('push', async (row) => {
      await remote.push(row, { commit, acceptedTree, branch, token: tokens.get(publishId) });
      await tell('pushed', { type: 'publish.pushed', publishId, branch, commit, tree: acceptedTree });
    });
    if (!pushed.ok) return fail(pushed.failure);

    const opened = await attempt('open', async (row) => {
      const pullRequest = await remote.open(row, { ...input, token: tokens.get(publishId) });
      await tell('opened', { type: 'publish.opened', publishId, pullRequest });
      return pullRequest;
    });
    if (opened.ok) return { ...result, stage: 'opened', pullRequest: opened.value };
    const page = await attempt('compare', async (row) => remote.compareUrl(row, input) ?? null);
    return fail(opened.failure, (page.ok && page.value) || undefined);
  };
}
