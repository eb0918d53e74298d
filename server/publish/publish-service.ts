import { randomUUID } from 'node:crypto';
import type * as z from 'zod';
import type { Engine } from '../engine/durable.ts';
import { AppError } from '../errors.ts';
import { OpenPullRequest } from '../protocol/commands.ts';
import type { MakeCommits } from '../protocol/publish.ts';
import type { Publish, TaskState } from '../protocol/task.ts';
import { commitBundle } from '../repo/commit-bundle.ts';
import type { TaskService } from '../tasks/task-service.ts';
import type { TaskRow } from '../tasks/task-store.ts';
import { type CommitDeps, commit, commitMessage, guard, planFor } from './commits.ts';
import type { PublishInput } from './publish-workflow.ts';
import type { TokenVault } from './tokens.ts';

/** Taking accepted work to the remote, as the person. */
export interface PublishService {
  /**
   * Starts the durable commit, push and pull request, and answers how far it came. Goes on when nobody waits.
   * @param options.isUnattended nobody asks for it now: the person had, beforehand, and left the token
   * @param options.publishId asked again with the same, it is the same publication
   */
  publish(
    taskId: string,
    command: OpenPullRequest,
    token: string | undefined,
    options?: { isUnattended?: boolean; publishId?: string },
  ): Promise<Publish>;
  /** The same commits for the person's own Git: to have as a local branch, or to push to where no token of GitHub's is for. */
  commits(
    taskId: string,
    command: z.output<typeof MakeCommits>,
  ): Promise<{ commit: string; bundle: Uint8Array }>;
}

export function createPublishService(
  deps: CommitDeps & {
    tasks: Pick<TaskService, 'get' | 'row'>;
    engine: Pick<Engine, 'start' | 'result'>;
    tokens: TokenVault;
  },
): PublishService {
  const { tasks, engine, tokens } = deps;

  async function accepted(taskId: string, acceptedTree: string): Promise<{ state: TaskState; row: TaskRow }> {
    const [state, row] = await Promise.all([tasks.get(taskId), tasks.row(taskId)]);
    assertAccepted(acceptedTree, state.review?.acceptedTree, row.prepared?.baseTree);
    return { state, row };
  }

  return {
    async publish(taskId, command, token, { isUnattended = false, publishId = randomUUID() } = {}) {
      const { author = null, base = null, branch: named, ...rest } = OpenPullRequest.parse(command);
      const { state, row } = await accepted(taskId, rest.acceptedTree);
      if (!token && !isUnattended) throw tokenRequired();
      const branch = named ?? branchOf(state);
      if (named === undefined && branch === row.spec.source.branch) throw onlyIfChosen(branch);
      const input: PublishInput = { ...rest, taskId, publishId, branch, author, base, isUnattended };
      if (token) tokens.put(publishId, token);
      try {
        await engine.start('publish', `publish:${publishId}`, input);
        return await engine.result<Publish>(`publish:${publishId}`);
      } finally {
        tokens.drop(publishId);
      }
    },

    async commits(taskId, command) {
      const { row } = await accepted(taskId, command.acceptedTree);
      const plan = await planFor(deps, row, command);
      await guard(deps, row, plan, command);
      const message = await commitMessage(deps, row, command);
      const made = await commit(deps, row, { plan, author: command.author, message });
      const bundle = await commitBundle(deps.repo, {
        taskId,
        commit: made.commit,
        baseCommit: plan.baseCommit,
      });
      return { ...made, bundle };
    },
  };
}

/** Nothing is pushed that was not accepted: the named tree must be the one that the review made. */
function assertAccepted(
  acceptedTree: string,
  reviewed: string | undefined,
  baseTree: string | undefined,
): void {
  if (reviewed !== acceptedTree) {
    throw new AppError('tree_not_accepted', 'That tree is not what was accepted in the review.', {
      nextAction: 'Accept the changes again, then open the pull request.',
    });
  }
  if (acceptedTree === baseTree) {
    throw new AppError('nothing_accepted', 'Nothing is accepted yet, so there is nothing to push.', {
      nextAction: 'Accept at least one change.',
    });
  }
}

const SLUG_LENGTH = 40;

const IMPORTED = 'imported:';

/** Whether another relay published that, from which the task came as a file: whoever wrote that may have made it up. */
export const isImported = (publishId: string): boolean => publishId.startsWith(IMPORTED);

/** The id that a publication has on a relay to which the task came as a file. */
export const importedPublishId = (publishId: string): string =>
  isImported(publishId) ? publishId : `${IMPORTED}${publishId}`;

/** A task keeps the branch that this relay pushed to, so that publishing again updates its pull request. */
export function branchOf({ taskId, title, publish }: TaskState): string {
  if (publish && !isImported(publish.publishId)) return publish.branch;
  const slug = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_LENGTH)
    .replace(/^-+|-+$/g, '');
  return `handoff/${slug || 'task'}-${taskId.slice(0, 8)}`;
}

export const tokenRequired = (): AppError =>
  new AppError('token_required', 'A GitHub token is needed to push and open the pull request as you.', {
    nextAction: 'Sign in to GitHub, and send the token in the header x-github-token.',
  });

const onlyIfChosen = (branch: string): AppError =>
  new AppError('conflict', `The task began on the branch ${branch}; nothing is pushed there unasked.`, {
    nextAction: 'Name the branch to push to: another one, or that one if it is meant.',
  });
