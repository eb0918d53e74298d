import type { Logger } from 'pino';
import type * as z from 'zod';
import type { Steps } from '../engine/durable.ts';
import { AppError, toFailure } from '../errors.ts';
import type { OpenPullRequest, Person } from '../protocol/commands.ts';
import type { Failure } from '../protocol/errors.ts';
import type { NewEvent } from '../protocol/events.ts';
import type { Publish } from '../protocol/task.ts';
import type { PushPlan } from '../repo/pushed-tree.ts';
import type { EventLog } from '../tasks/event-log.ts';
import type { TaskRow, TaskStore } from '../tasks/task-store.ts';
import { type CommitDeps, commit, commitMessage, guard, memoKey, planFor } from './commits.ts';
import type { Remote } from './remote.ts';
import type { TokenVault } from './tokens.ts';

/** A command with nothing left open. */
export interface PublishInput extends Omit<z.output<typeof OpenPullRequest>, 'author' | 'base' | 'branch'> {
  branch: string;
  taskId: string;
  publishId: string;
  /** Absent: the owner of the token. */
  author: Person | null;
  /** The one that the person named. */
  base: string | null;
  /** Nobody asked for it now: the person had, beforehand. */
  isUnattended: boolean;
}

export interface PublishDeps extends CommitDeps {
  store: TaskStore;
  log: EventLog;
  tokens: TokenVault;
  remote: Remote;
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

/** Plan, commit, push, pull request: each a journaled step that recognises its own earlier work. */
export function createPublish(deps: PublishDeps) {
  const { store, log, tokens, remote } = deps;

  return async (steps: Steps, input: PublishInput): Promise<Publish> => {
    const { taskId, publishId, acceptedTree, branch } = input;
    const page = { branch, base: input.base ?? undefined, title: input.title, body: input.body };
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
          const failure = toFailure(error);
          deps.logger.warn({ taskId, publishId, step: name, code: failure.code }, 'publishing failed');
          return { ok: false, failure } as const;
        }
      });
    const fail = async (error: Failure, compareUrl?: string): Promise<Publish> => {
      const said = { error, ...(compareUrl === undefined ? {} : { compareUrl }) };
      await steps.step('failed', () => tell('failed', { type: 'publish.failed', publishId, ...said }));
      return { ...result, stage: 'failed', ...said };
    };

    const planned = await attempt('plan', (row) => planFor(deps, row, input));
    if (planned.ok && planned.value.pushedTree !== acceptedTree) result.pushedTree = planned.value.pushedTree;
    await steps.step('started', () =>
      tell('started', {
        type: 'publish.started',
        publishId,
        branch,
        acceptedTree,
        ...(result.pushedTree === undefined ? {} : { pushedTree: result.pushedTree }),
        ...(input.isUnattended ? { isUnattended: true } : {}),
      }),
    );
    if (!planned.ok) return fail(planned.failure);
    const plan = planned.value;
    const tree = plan.pushedTree;

    const committed = await attempt('commit', async (row) => {
      // Asked for first: without it nothing can come of this, and whoever took it up has nothing of the task besides.
      const token = await tokens.get(publishId);
      const { workflows } = await guard(deps, row, plan, input);
      await remote.assertMayPush(row, { workflows, token });
      const made = await makeCommit(deps, row, { plan, input, token });
      await tell('committed', { type: 'publish.committed', publishId, commit: made, tree });
      return made;
    });
    if (!committed.ok) return fail(committed.failure);
    const made = committed.value;
    result.commit = made;

    const pushed = await attempt('push', async (row) => {
      const token = await tokens.get(publishId);
      await remote.push(row, { commit: made, pushedTree: tree, baseCommit: plan.baseCommit, branch, token });
      await tell('pushed', { type: 'publish.pushed', publishId, branch, commit: made, tree });
    });
    if (!pushed.ok) return fail(pushed.failure);

    const opened = await attempt('open', async (row) => {
      const token = await tokens.get(publishId);
      const asked = { ...page, draft: input.draft, isReworded: !input.isUnattended };
      const pullRequest = await remote.open(row, { ...asked, token });
      await tell('opened', { type: 'publish.opened', publishId, pullRequest });
      return pullRequest;
    });
    if (opened.ok) return { ...result, stage: 'opened', pullRequest: opened.value };
    const byHand = await attempt('compare', async (row) => remote.compareUrl(row, page) ?? null);
    return fail(opened.failure, (byHand.ok && byHand.value) || undefined);
  };
}

/** By the person, or by GitHub in their name. What an earlier publication made of the same is answered with. */
async function makeCommit(
  deps: PublishDeps,
  row: TaskRow,
  { plan, input, token }: { plan: PushPlan; input: PublishInput; token: string },
): Promise<string> {
  const message = await commitMessage(deps, row, input);
  if (input.sign) {
    const signed = await deps.store.memo(row.taskId, memoKey('signed', { plan, message }), () =>
      deps.remote.sign(row, { plan, message, token }),
    );
    return signed.commit;
  }
  const { name, email } = input.author ?? (await deps.remote.viewer(token));
  return (await commit(deps, row, { plan, author: { name, email }, message })).commit;
}
