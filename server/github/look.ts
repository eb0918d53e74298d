import { AppError } from '../errors.ts';
import type { RemoteLook } from '../publish/remote.ts';
import { connect, failureOf } from './api.ts';
import { findOpen } from './pull-request.ts';
import {
  baseMissing,
  branchProtected,
  lacksWorkflowScope,
  mayNotPush,
  workflowScopeMissing,
} from './refusals.ts';
import type { GitHubRepository } from './remote-url.ts';
import { type BranchView, viewBranch, viewRepository } from './repository.ts';

export interface LookRequest extends GitHubRepository {
  apiUrl: string;
  token: string;
  /** The branch that is to be pushed. */
  branch: string;
  /** The base that the person named. */
  base: string | undefined;
  /** The one that it is otherwise, where GitHub has it: else it is the default branch. */
  usual: string | undefined;
  /** Files of automation that would be pushed. */
  workflows: string[];
}

/** A look does not keep anybody waiting for longer, in milliseconds. */
const LOOK_LIMIT_MS = 10_000;

/** Asks GitHub as the person, changing nothing. Never throws for what GitHub answers, or that it does not: that is a problem. */
export async function lookAt(request: LookRequest): Promise<RemoteLook> {
  const { branch, base, usual } = request;
  const signal = AbortSignal.timeout(LOOK_LIMIT_MS);
  const api = connect({ apiUrl: request.apiUrl, token: request.token, signal });
  const found: RemoteLook = { base: {}, head: {}, problems: [] };
  const named = base ?? usual;
  if (named !== undefined) found.base.branch = named;
  const existing = (into: string) => findOpen(api, { ...request, head: branch }, into);
  try {
    const [repository, headBranch, baseBranch, open] = await Promise.all([
      viewRepository(api, request),
      viewBranch(api, request, branch),
      named === undefined ? undefined : viewBranch(api, request, named),
      named === undefined ? undefined : existing(named),
    ]);
    const { mayPush, scopes, defaultBranch } = repository;
    if (mayPush !== undefined) found.mayPush = mayPush;
    if (mayPush === false) found.problems.push(mayNotPush(request));
    found.head = headOf(headBranch);
    if (lacksWorkflowScope(request.workflows, scopes)) found.problems.push(workflowScopeMissing());
    if (headBranch?.isProtected) found.problems.push(branchProtected(branch));
    if (baseBranch === undefined && base !== undefined) {
      found.base.exists = false;
      found.problems.push(baseMissing(base));
    } else {
      // A branch that was never pushed has no pull requests: they go to the default branch.
      const into = baseBranch === undefined ? defaultBranch : named;
      found.base = {
        ...(into === undefined ? {} : { branch: into }),
        exists: true,
        ...(baseBranch === undefined ? {} : { isProtected: baseBranch.isProtected }),
      };
      const pull = into === named ? open : await existing(defaultBranch);
      if (pull !== undefined) found.existing = pull;
    }
  } catch (error) {
    const failure = signal.aborted ? outOfReach(error) : failureOf(error);
    if (!(failure instanceof AppError)) throw failure;
    found.problems.push(failure);
  }
  return found;
}

const headOf = (branch: BranchView | undefined): RemoteLook['head'] =>
  branch === undefined
    ? { exists: false }
    : { exists: true, commit: branch.commit, isProtected: branch.isProtected };

const outOfReach = (cause: unknown): AppError =>
  new AppError('github_unavailable', 'GitHub does not answer.', {
    cause,
    nextAction: 'Check the network. Publishing can be tried all the same: it goes on where it was cut off.',
  });
