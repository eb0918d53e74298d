import * as vscode from 'vscode';
import { type RelayClient, RelayError } from '../../server/protocol/client.ts';
import type { Person } from '../../server/protocol/commands.ts';
import type { ErrorCode, Failure } from '../../server/protocol/errors.ts';
import type { Preflight } from '../../server/protocol/publish.ts';
import type { Publish } from '../../server/protocol/task.ts';
import { Cancelled, toFailure } from '../ui/failure.ts';
import { askWayOn, type NextTry, type Obstacle, type Wish } from './ask-way-on.ts';
import { githubToken, tokenNow } from './session.ts';
import { scopesFor } from './ways-on.ts';

export interface PublishFlow {
  client: RelayClient;
  taskId: string;
  acceptedTree: string;
  /** Of the repository, as the task knows it. */
  remote: string | undefined;
  author: Person | undefined;
  /** Pushes with the person's own Git, for a remote that no token is for. */
  pushWithOwnGit(wish: Wish, preflight: Preflight): Promise<void>;
}

/** What became of it: `pushed` is by the person's own Git, and the request is theirs to open. */
export type Outcome =
  | { kind: 'opened'; publish: Publish }
  | { kind: 'pushed'; branch: string; compareUrl: string | undefined }
  | { kind: 'failed'; publish: Publish };

/** What decides on what is pushed, and where to. */
type Where = { [Key in 'uncommitted' | 'base' | 'branch']?: Wish[Key] | undefined };

/** What would be pushed, and what stands in the way of it; the person is not asked to sign in for it. */
export async function lookAhead(
  { client, taskId, remote }: Pick<PublishFlow, 'client' | 'taskId' | 'remote'>,
  { uncommitted, base, branch }: Where,
): Promise<Preflight> {
  const token = await tokenNow({ remote, scopes: scopesFor([]) });
  const asked = {
    ...(uncommitted === undefined ? {} : { uncommitted }),
    ...(base === undefined ? {} : { base }),
    ...(branch === undefined ? {} : { branch }),
  };
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Looking at what would be pushed'),
    },
    () => client.preflight(taskId, asked, token),
  );
}

/**
 * Opens it; where something stands in the way, the person says how to go on, for as long as they want to.
 * @param looked what was looked at already, and what was seen
 */
export async function publishUntilDone(
  flow: PublishFlow,
  wish: Wish,
  looked: { at: Where; preflight: Preflight },
): Promise<Outcome> {
  let { at, preflight } = looked;
  let next: NextTry = { wish };
  let failed: Publish | undefined;
  for (let isFresh = true; ; isFresh = false) {
    if (!isSamePlace(at, next.wish)) {
      at = next.wish;
      preflight = await lookAhead(flow, at);
      isFresh = true;
    }
    const outcome = await attempt(flow, next, preflight, isFresh);
    if ('kind' in outcome && outcome.kind !== 'failed') return outcome;
    if ('kind' in outcome) failed = outcome.publish;
    const obstacle = 'kind' in outcome ? obstacleOf(outcome.publish, preflight) : outcome;
    try {
      next = await askWayOn(flow.taskId, next.wish, obstacle);
    } catch (error) {
      if (error instanceof Cancelled && failed) return { kind: 'failed', publish: failed };
      throw error;
    }
  }
}

async function attempt(
  flow: PublishFlow,
  next: NextTry,
  preflight: Preflight,
  isFresh: boolean,
): Promise<Outcome | Obstacle> {
  const { client, taskId, acceptedTree, remote, author } = flow;
  const { wish } = next;
  const obstacle = (failure: Failure): Obstacle => ({ failure, compareUrl: preflight.compareUrl, preflight });
  const [problem] = preflight.problems.filter((one) => isInTheWay(one, next, preflight, isFresh));
  if (problem) return obstacle(problem);
  try {
    if (next.withOwnGit || preflight.forge !== 'github') {
      await flow.pushWithOwnGit(wish, preflight);
      const branch = wish.branch ?? preflight.head.branch;
      return { kind: 'pushed', branch, compareUrl: preflight.compareUrl };
    }
    const scopes = [...new Set([...scopesFor(preflight.workflows), ...(next.scopes ?? [])])];
    const token = await githubToken({ remote, scopes, ...(next.signIn ? { how: next.signIn } : {}) });
    const publish = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Opening the pull request') },
      () => client.openPullRequest(taskId, { acceptedTree, ...wish, ...(author ? { author } : {}) }, token),
    );
    return publish.stage === 'opened' ? { kind: 'opened', publish } : { kind: 'failed', publish };
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return obstacle(toFailure(error));
  }
}

function obstacleOf({ error, compareUrl }: Publish, preflight: Preflight): Obstacle {
  const unknown: Failure = {
    code: 'internal',
    message: vscode.l10n.t('The pull request could not be opened.'),
  };
  return { failure: error ?? unknown, compareUrl: compareUrl ?? preflight.compareUrl, preflight };
}

/** What the remote said, which may say another thing to the next try. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  ...(['token_rejected', 'sso_required', 'github_unavailable', 'pull_request_forbidden'] as const),
  ...(['push_rejected', 'branch_protected', 'base_missing'] as const),
]);

/** A look ahead names everything; what was settled since, or will be on the way, is no obstacle. */
function isInTheWay(
  { code }: Failure,
  { wish, withOwnGit }: NextTry,
  { secrets, forge }: Preflight,
  isFresh: boolean,
): boolean {
  if (PASSING.has(code)) return isFresh;
  const settled: Partial<Record<ErrorCode, boolean>> = {
    secrets_found: secrets.every(({ fingerprint }) => wish.allowedSecrets.includes(fingerprint)),
    workflows_need_consent: wish.allowWorkflows,
    // Where the remote is no GitHub at all, there is one way only.
    remote_not_github: withOwnGit === true || forge !== 'github',
    // The person signs in for what is pushed only now.
    token_required: true,
    workflow_scope_missing: true,
  };
  return settled[code] !== true;
}

const isSamePlace = (one: Where, other: Where): boolean =>
  (one.uncommitted ?? 'leave-out') === (other.uncommitted ?? 'leave-out') &&
  one.base === other.base &&
  one.branch === other.branch;
