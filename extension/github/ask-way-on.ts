import * as vscode from 'vscode';
import type { Failure } from '../../server/protocol/errors.ts';
import type { Preflight, SecretFinding } from '../../server/protocol/publish.ts';
import { Cancelled, sentence } from '../ui/failure.ts';
import { openExternal } from '../ui/open-external.ts';
import { askBase, askBranch, type PullRequestText } from './ask-pull-request.ts';
import type { SignIn } from './session.ts';
import { linkIn, type Way, waysOn } from './ways-on.ts';

/** Everything that the person says about a pull request. */
export interface Wish extends PullRequestText {
  sign: boolean;
  allowWorkflows: boolean;
  allowedSecrets: string[];
}

/** How it is tried again. */
export interface NextTry {
  wish: Wish;
  signIn?: NonNullable<SignIn['how']>;
  /** Besides those that the change itself needs. */
  scopes?: string[];
  /** With the person's own Git, for the remote is not the one that a token is for. */
  withOwnGit?: boolean;
}

export interface Obstacle {
  failure: Failure;
  compareUrl: string | undefined;
  /** What would be pushed, as it was looked at last. */
  preflight: Preflight;
}

/**
 * Tells what stands in the way and offers the ways on.
 * @throws {Cancelled} where the person takes none of them, or one that leads elsewhere
 */
export async function askWayOn(taskId: string, wish: Wish, obstacle: Obstacle): Promise<NextTry> {
  const { failure, compareUrl, preflight } = obstacle;
  // What needs a yes of its own is asked for by itself, with all that was found. What was not found beforehand, such as one in words that
  // were edited since, is told like any other failure.
  const unsaid = preflight.secrets.filter(({ fingerprint }) => !wish.allowedSecrets.includes(fingerprint));
  if (failure.code === 'secrets_found' && unsaid.length > 0)
    return { wish: await allowSecrets(taskId, wish, unsaid) };
  if (failure.code === 'workflows_need_consent')
    return { wish: await allowWorkflows(taskId, wish, preflight.workflows) };
  const ways = waysOn(failure, compareUrl);
  const labels = new Map(ways.map((way) => [labelOf(way), way]));
  const said = await vscode.window.showWarningMessage(sentence(failure), ...labels.keys());
  const way = said === undefined ? undefined : labels.get(said);
  if (way === undefined) throw new Cancelled();
  const page = way === 'link' ? linkIn(failure.nextAction) : way === 'compare' ? compareUrl : undefined;
  if (page !== undefined) {
    await openExternal(page);
    // An authorisation given there is what the next try needs; a pull request opened there is all.
    if (way === 'compare') throw new Cancelled();
    return askWayOn(taskId, wish, obstacle);
  }
  return take[way](taskId, wish, preflight);
}

type Taken = (taskId: string, wish: Wish, preflight: Preflight) => Promise<NextTry>;

const take: Record<Way, Taken> = {
  retry: async (_task, wish) => ({ wish }),
  'sign-in': async (_task, wish) => ({ wish, signIn: 'again' }),
  'other-account': async (_task, wish) => ({ wish, signIn: 'other' }),
  'workflow-scope': async (_task, wish) => ({ wish, scopes: ['workflow'] }),
  'choose-branch': async (_task, wish, { head }) => ({
    wish: { ...wish, branch: await askBranch(wish.branch ?? head.branch) },
  }),
  'choose-base': async (_task, { base: before, ...wish }, { base }) => {
    const chosen = await askBase(before ?? base.branch ?? '');
    return { wish: { ...wish, ...(chosen === '' ? {} : { base: chosen }) } };
  },
  include: async (_task, wish) => ({ wish: { ...wish, uncommitted: 'include' } }),
  unsigned: async (_task, wish) => ({ wish: { ...wish, sign: false } }),
  'own-git': async (_task, wish) => ({ wish, withOwnGit: true }),
  apply: (taskId) => elsewhere('handoff.applyChanges', { taskId }),
  review: (taskId) => elsewhere('handoff.reviewChanges', { taskId }),
  consent: async (_task, wish) => ({ wish }),
  link: async (_task, wish) => ({ wish }),
  compare: async (_task, wish) => ({ wish }),
};

async function elsewhere(command: string, argument: { taskId: string; path?: string }): Promise<never> {
  await vscode.commands.executeCommand(command, argument);
  throw new Cancelled();
}

function labelOf(way: Way): string {
  const labels: Record<Way, string> = {
    retry: vscode.l10n.t('Try Again'),
    'sign-in': vscode.l10n.t('Sign In Again'),
    'other-account': vscode.l10n.t('Use Another Account'),
    'workflow-scope': vscode.l10n.t('Allow Workflow Changes'),
    'choose-branch': vscode.l10n.t('Choose Another Branch'),
    'choose-base': vscode.l10n.t('Choose Another Base'),
    include: vscode.l10n.t('Include It as Own Commit'),
    unsigned: vscode.l10n.t('Open Unsigned'),
    consent: vscode.l10n.t('Look at Them'),
    'own-git': vscode.l10n.t('Push with My Git'),
    apply: vscode.l10n.t('Apply to My Files'),
    review: vscode.l10n.t('Review Changes'),
    link: vscode.l10n.t('Open Page'),
    compare: vscode.l10n.t('Open Compare Page'),
  };
  return labels[way];
}

/** More would not fit a dialog. */
const LISTED = 15;

function listed(lines: string[]): string {
  const more = lines.length - LISTED;
  const some = lines.slice(0, LISTED).join('\n');
  return more > 0 ? `${some}\n${vscode.l10n.t('and {0} more', more)}` : some;
}

async function allowSecrets(taskId: string, wish: Wish, asked: SecretFinding[]): Promise<Wish> {
  const none = vscode.l10n.t('They Are No Secrets');
  const show = vscode.l10n.t('Show the First');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('What would be pushed looks like it has secrets.'),
    {
      modal: true,
      detail: listed(asked.map(({ path, line, rule, masked }) => `${path}:${line}  ${rule}  ${masked}`)),
    },
    none,
    show,
  );
  const [first] = asked;
  if (answer === show && first) return elsewhere('handoff.reviewChanges', { taskId, path: first.path });
  if (answer !== none) throw new Cancelled();
  return {
    ...wish,
    allowedSecrets: [...wish.allowedSecrets, ...asked.map(({ fingerprint }) => fingerprint)],
  };
}

async function allowWorkflows(taskId: string, wish: Wish, workflows: string[]): Promise<Wish> {
  const push = vscode.l10n.t('Push These Changes');
  const show = vscode.l10n.t('Show the First');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('What would be pushed changes what the repository runs by itself, with its own secrets.'),
    { modal: true, detail: listed(workflows) },
    push,
    show,
  );
  const [first] = workflows;
  if (answer === show && first) return elsewhere('handoff.reviewChanges', { taskId, path: first });
  if (answer !== push) throw new Cancelled();
  return { ...wish, allowWorkflows: true };
}
