import { AppError } from '../errors.ts';
import { isGitHubWorkflow } from '../guard/automation.ts';
import type { GitHubRepository } from './remote-url.ts';

/** What stands in the way of a pull request, whether it is seen beforehand or met. */

export function mayNotPush({ owner, repo }: GitHubRepository, cause?: unknown): AppError {
  return new AppError('push_rejected', `The account may not push to ${owner}/${repo}.`, {
    ...(cause === undefined ? {} : { cause }),
    nextAction: 'Sign in with an account that may, or ask for write access to the repository.',
  });
}

export function branchProtected(branch: string, cause?: unknown): AppError {
  return new AppError('branch_protected', `The branch ${branch} is protected.`, {
    ...(cause === undefined ? {} : { cause }),
    nextAction: 'Publish to another branch.',
  });
}

/** Tokens without scopes at all have permissions, of which GitHub tells nothing: those are met when pushing. */
export const lacksWorkflowScope = (
  paths: readonly string[],
  scopes: readonly string[] | undefined,
): boolean => scopes !== undefined && !scopes.includes('workflow') && paths.some(isGitHubWorkflow);

export const workflowScopeMissing = (): AppError =>
  new AppError('workflow_scope_missing', 'The sign-in may not change workflow files.', {
    nextAction: 'Sign in to GitHub again with the right to update workflows, or do not accept those files.',
  });

export const baseMissing = (base: string): AppError =>
  new AppError('base_missing', `The repository has no branch ${base} for the pull request to go into.`, {
    nextAction: 'Push that branch, or choose another base.',
  });
