import type * as z from 'zod';
import { AppError, toFailure } from '../errors.ts';
import { inspectPush, type PushFindings, type PushText, refusals } from '../guard/push-guard.ts';
import type { Uncommitted } from '../protocol/commands.ts';
import type { AskPreflight, Preflight } from '../protocol/publish.ts';
import { isOurCommit } from '../repo/commits.ts';
import { readTemplate } from '../repo/pull-request-template.ts';
import { type PushPlan, uncommittedWork } from '../repo/pushed-tree.ts';
import type { RepoDeps } from '../repo/repository.ts';
import type { TaskService } from '../tasks/task-service.ts';
import type { TaskRow } from '../tasks/task-store.ts';
import { planFor } from './commits.ts';
import { branchOf, tokenRequired } from './publish-service.ts';
import type { Remote, RemoteLook } from './remote.ts';
import { suggestedText, textOf } from './text.ts';

/** Says what opening the pull request would come to, and what stands in the way of it; changes nothing. */
export type LookAhead = (
  taskId: string,
  asked: z.output<typeof AskPreflight>,
  token: string | undefined,
) => Promise<Preflight>;

export function createPreflight(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  repo: RepoDeps;
  remote: Remote;
}): LookAhead {
  const { tasks, repo, remote } = deps;
  return async (taskId, asked, token) => {
    const [state, row] = await Promise.all([tasks.get(taskId), tasks.row(taskId)]);
    const { prepared } = row;
    if (!prepared) throw notBegun();
    const branch = asked.branch ?? branchOf(state);
    const acceptedTree = state.review?.acceptedTree ?? prepared.baseTree;
    const template = await readTemplate(repo, taskId, prepared.baseTree);
    const proposed = suggestedText(state, template);
    const lookWith = (text: PushText): Promise<Here> =>
      lookHere(repo, row, { acceptedTree, uncommitted: asked.uncommitted, text });
    const [first, uncommitted] = await Promise.all([
      lookWith(proposed),
      uncommittedWork(repo, { taskId, prepared, acceptedTree }),
    ]);
    const { workflows } = first.findings;
    const there = await lookThere(remote, row, { branch, base: asked.base, workflows, token });
    const { existing } = there;
    const text = existing === undefined ? proposed : textOf(existing);
    // What is told of is what would be pushed with these words.
    const local = existing === undefined ? first : await lookWith(text);
    const { secrets } = local.findings;
    const forge = remote.forge(row);
    const head = await headOf(repo, row, branch, there.head);
    const base = { ...there.base, branch: there.base.branch ?? asked.base ?? row.spec.source.branch };
    const compareUrl = remote.compareUrl(row, { branch, base: base.branch, ...text });
    const taken = head.state === 'taken' ? [branchTaken(branch)] : [];
    return {
      forge: forge?.kind ?? 'unknown',
      ...(forge === undefined ? {} : { repository: forge.path }),
      ...(there.mayPush === undefined ? {} : { mayPush: there.mayPush }),
      base,
      head,
      ...(existing === undefined ? {} : { existing: { url: existing.url, number: existing.number } }),
      ...(uncommitted.files === 0 ? {} : { uncommitted }),
      ...(local.plan === undefined ? {} : { pushedTree: local.plan.pushedTree }),
      workflows,
      secrets,
      ...(template === undefined ? {} : { template }),
      ...text,
      ...(compareUrl === undefined ? {} : { compareUrl }),
      problems: [...local.problems, ...there.problems, ...taken].map(toFailure),
    };
  };
}

interface Here {
  plan?: PushPlan;
  findings: PushFindings;
  problems: AppError[];
}

/** What the relay's own repository tells. */
async function lookHere(
  repo: RepoDeps,
  row: TaskRow,
  { text, ...asked }: { acceptedTree: string; uncommitted: Uncommitted; text: PushText },
): Promise<Here> {
  try {
    const plan = await planFor({ repo }, row, asked);
    const findings = await inspectPush(repo, row.taskId, plan, text);
    const problems = refusals(findings, { allowWorkflows: false, allowedSecrets: [] });
    return { plan, findings, problems };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { findings: { workflows: [], secrets: [], isTruncated: false }, problems: [error] };
  }
}

/** What the remote tells, where it may be asked. */
async function lookThere(
  remote: Remote,
  row: TaskRow,
  {
    token,
    ...asked
  }: { branch: string; base: string | undefined; workflows: string[]; token: string | undefined },
): Promise<RemoteLook> {
  const nothing = { base: {}, head: {} };
  try {
    remote.assertKnown(row);
    if (token === undefined) return { ...nothing, problems: [tokenRequired()] };
    return await remote.look(row, { ...asked, token });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...nothing, problems: [error] };
  }
}

/** Whose the branch is: `free` where it is not there, or is where the work began. */
async function headOf(
  repo: RepoDeps,
  { taskId, prepared }: TaskRow,
  branch: string,
  { exists, commit, isProtected }: RemoteLook['head'],
): Promise<Preflight['head']> {
  if (exists === undefined) return { branch };
  const isFree = commit === undefined || commit === prepared?.baseCommit;
  const state = isFree ? 'free' : (await isOurCommit(repo, taskId, commit)) ? 'ours' : 'taken';
  return { branch, state, ...(isProtected === undefined ? {} : { isProtected }) };
}

const branchTaken = (branch: string): AppError =>
  new AppError('push_rejected', `The branch ${branch} holds commits that are not of this task.`, {
    nextAction: 'Choose a branch name that is not taken.',
  });

const notBegun = (): AppError =>
  new AppError('conflict', 'The repository has not been fetched yet, so there is nothing to publish.', {
    nextAction: 'Wait until the task has begun to work.',
  });
