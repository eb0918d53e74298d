import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import { assertConsent, inspectPush, type PushConsent, type PushText } from '../guard/push-guard.ts';
import type { Person, Uncommitted } from '../protocol/commands.ts';
import { commitPlan, messageWithTrailer } from '../repo/commits.ts';
import { type PushPlan, planPush } from '../repo/pushed-tree.ts';
import type { RepoDeps } from '../repo/repository.ts';
import type { TaskRow, TaskStore } from '../tasks/task-store.ts';

export interface CommitDeps {
  repo: RepoDeps;
  store: Pick<TaskStore, 'memo'>;
  /** The model that a task works with which names none. */
  defaultModel: () => string | undefined;
  now: () => number;
}

/** Works out what is pushed for an accepted tree; see `planPush`. */
export async function planFor(
  { repo }: Pick<CommitDeps, 'repo'>,
  { taskId, prepared }: TaskRow,
  { acceptedTree, uncommitted }: { acceptedTree: string; uncommitted: Uncommitted },
): Promise<PushPlan> {
  if (!prepared) throw new AppError('conflict', 'The task has no base to commit on.');
  return planPush(repo, { taskId, prepared, acceptedTree, uncommitted });
}

/** The guard: whatever becomes a commit passes it, its words too. Throws unless the person has said yes to what it finds. */
export async function guard(
  { repo }: Pick<CommitDeps, 'repo'>,
  { taskId }: TaskRow,
  plan: PushPlan,
  asked: PushConsent & PushText,
): Promise<{ workflows: string[] }> {
  const findings = await inspectPush(repo, taskId, plan, asked);
  assertConsent(findings, asked);
  return findings;
}

/**
 * Names who helped, at the end of the commit's message. Not `Co-authored-by`: forges take that for an author, and the author is the
 * person, who answers for what they accepted. `Assisted-by` is what projects ask for that want it known, Linux among them.
 */
export function commitMessage(
  { repo, defaultModel }: CommitDeps,
  { spec }: TaskRow,
  { title, body }: PushText,
): Promise<string> {
  const model = (spec.model ?? defaultModel())?.replace(/\s+/g, ' ').trim();
  const trailer = `Assisted-by: Handoff${model ? ` (${model})` : ''}`;
  return messageWithTrailer(repo.git, { title, body, trailer });
}

/** Makes the commits of a plan. Asked again with the same, it answers with the same commit: its time is that of the first. */
export async function commit(
  deps: CommitDeps,
  { taskId }: TaskRow,
  request: { plan: PushPlan; author: Person; message: string },
): Promise<{ commit: string }> {
  const at = await deps.store.memo(taskId, memoKey('committed-at', request), async () => deps.now());
  return commitPlan(deps.repo, { taskId, ...request, at });
}

/** Of what is made once for the same input. */
export function memoKey(name: string, input: unknown): string {
  return `${name}:${createHash('sha256').update(JSON.stringify(input)).digest('hex')}`;
}
