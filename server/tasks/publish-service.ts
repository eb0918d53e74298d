import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/durable.ts';
import { AppError } from '../errors.ts';
import type { OpenPullRequest } from '../protocol/commands.ts';
import type { Publish, TaskState } from '../protocol/task.ts';
import type { PublishInput, TokenVault } from './publish-workflow.ts';
import type { TaskService } from './task-service.ts';

/** Taking accepted work to the remote, as the person. */
export interface PublishService {
  /** Starts the durable commit, push and pull request, and answers how far it came. Goes on when nobody waits. */
  publish(taskId: string, command: OpenPullRequest, token: string | undefined): Promise<Publish>;
}

export function createPublishService(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  engine: Pick<Engine, 'start' | 'result'>;
  tokens: TokenVault;
}): PublishService {
  const { tasks, engine, tokens } = deps;
  return {
    async publish(taskId, command, token) {
      const state = await tasks.get(taskId);
      const { acceptedTree, title, body = '', draft = true, author } = command;
      const { prepared, spec } = await tasks.row(taskId);
      assertAccepted(acceptedTree, state.review?.acceptedTree, prepared?.baseTree);
      if (!token) {
        throw new AppError(
          'token_required',
          'A GitHub token is needed to push and open the pull request as you.',
          {
            nextAction: 'Sign in to GitHub, and send the token in the header x-github-token.',
          },
        );
      }
      const publishId = randomUUID();
      const branch = command.branch ?? branchOf(state);
      if (command.branch === undefined && branch === spec.source.branch) throw onlyIfChosen(branch);
      const input: PublishInput = {
        taskId,
        publishId,
        acceptedTree,
        title,
        body,
        draft,
        branch,
        author: author ?? null,
      };
      tokens.put(publishId, token);
      try {
        await engine.start('publish', `publish:${publishId}`, input);
        return await engine.result<Publish>(`publish:${publishId}`);
      } finally {
        tokens.drop(publishId);
      }
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

/** The id that a publication has on a relay to which the task came as a file: whoever wrote that may have made it up. */
export const importedPublishId = (publishId: string): string =>
  publishId.startsWith(IMPORTED) ? publishId : `${IMPORTED}${publishId}`;

/** A task keeps the branch that this relay pushed to, so that publishing again updates its pull request. */
function branchOf({ taskId, title, publish }: TaskState): string {
  if (publish && !publish.publishId.startsWith(IMPORTED)) return publish.branch;
  const slug = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_LENGTH)
    .replace(/^-+|-+$/g, '');
  return `handoff/${slug || 'task'}-${taskId.slice(0, 8)}`;
}

const onlyIfChosen = (branch: string): AppError =>
  new AppError('conflict', `The task began on the branch ${branch}; nothing is pushed there unasked.`, {
    nextAction: 'Name the branch to push to: another one, or that one if it is meant.',
  });
