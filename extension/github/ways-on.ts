import type { ErrorCode, Failure } from '../../server/protocol/errors.ts';
import { isLoopbackHost } from '../git/delegate-task.ts';

/** What a person can do about a failure on the way to a pull request. */
export type Way =
  | 'retry'
  | 'sign-in'
  | 'other-account'
  | 'workflow-scope'
  | 'choose-branch'
  | 'choose-base'
  | 'include'
  | 'unsigned'
  | 'consent'
  | 'own-git'
  | 'apply'
  | 'review'
  /** The page that the failure's next action names. */
  | 'link'
  /** The page where the pull request can be opened by hand. */
  | 'compare';

const WAYS: Partial<Record<ErrorCode, Way[]>> = {
  token_required: ['sign-in'],
  token_rejected: ['sign-in', 'other-account'],
  sso_required: ['link', 'retry', 'other-account'],
  workflow_scope_missing: ['workflow-scope', 'review'],
  pull_request_forbidden: ['compare', 'other-account', 'retry'],
  pull_request_rejected: ['compare', 'choose-base', 'retry'],
  push_rejected: ['choose-branch', 'other-account', 'retry'],
  push_unproven: ['retry', 'choose-branch'],
  branch_protected: ['choose-branch', 'other-account'],
  base_missing: ['choose-base', 'retry'],
  uncommitted_conflict: ['include', 'review'],
  signing_impossible: ['unsigned'],
  secrets_found: ['consent', 'review'],
  workflows_need_consent: ['consent', 'review'],
  nothing_accepted: ['review'],
  tree_not_accepted: ['review'],
  revision_changed: ['review'],
  remote_missing: ['apply'],
  remote_not_github: ['own-git', 'apply'],
  conflict: ['choose-branch', 'retry'],
};

/** What to offer, the best first. Whatever has no way of its own may have passed. */
export function waysOn({ code, nextAction }: Failure, compareUrl: string | undefined): Way[] {
  const ways = WAYS[code] ?? ['retry'];
  const has: Partial<Record<Way, boolean>> = {
    link: linkIn(nextAction) !== undefined,
    compare: compareUrl !== undefined,
  };
  return ways.filter((way) => has[way] ?? true);
}

/** The address in a sentence, without what ends the sentence. */
export function linkIn(text: string | undefined): string | undefined {
  const found = /https?:\/\/[^\s"'<>]+/.exec(text ?? '')?.[0];
  return found?.replace(/[.,;:!?)]+$/, '');
}

/** Only what is needed: changing workflows is a right of its own. */
export const scopesFor = (workflows: readonly string[]): string[] =>
  workflows.some((path) => path.startsWith('.github/workflows/')) ? ['repo', 'workflow'] : ['repo'];

/**
 * Who signs the person in for a remote: GitHub, or GitHub Enterprise where the editor knows one at that host. Nobody for any other, which
 * has no business with their token; one on this machine is a double of GitHub, which the relay knows as its GitHub or gives nothing.
 */
export function providerOf(
  remote: string | undefined,
  enterpriseUri: string,
): 'github' | 'github-enterprise' | undefined {
  const host = remote === undefined ? undefined : hostOf(remote);
  if (host === undefined) return undefined;
  if (URL.canParse(enterpriseUri) && host === new URL(enterpriseUri).hostname) return 'github-enterprise';
  return host === 'github.com' || isLoopbackHost(host) ? 'github' : undefined;
}

function hostOf(remote: string): string | undefined {
  if (URL.canParse(remote) && /^[a-z+]+:\/\//i.test(remote))
    return new URL(remote).hostname.replace(/^ssh\./, '');
  return /^(?:[^@/]+@)?([^:/]+):/.exec(remote)?.[1]?.toLowerCase();
}
