import * as vscode from 'vscode';
import type { Preflight } from '../../server/protocol/publish.ts';
import { askText } from '../ui/ask-text.ts';
import { fileCount } from '../ui/counts.ts';
import { Cancelled } from '../ui/failure.ts';
import type { PullRequestDraft } from './drafts.ts';
import { editDescription } from './edit-description.ts';

export interface PullRequestText {
  title: string;
  body: string;
  draft: boolean;
  uncommitted: 'leave-out' | 'include';
  base?: string;
  branch?: string;
}

const TITLE = () => vscode.l10n.t('Open Pull Request');

/**
 * Asks for title, description and kind, and what becomes of uncommitted work that the task started from. What is given is not asked; what
 * was typed is told as it comes.
 * @param suggested what the person wrote before, else the agent's words in the repository's template
 * @throws {Cancelled}
 */
export async function askPullRequest(
  given: Partial<PullRequestText>,
  suggested: PullRequestDraft,
  preflight: Preflight,
  onTyped: (typed: PullRequestDraft) => void,
): Promise<PullRequestText> {
  const title = given.title ?? (await askTitle(suggested.title ?? preflight.title, preflight, onTyped));
  onTyped({ title });
  const uncommitted = given.uncommitted ?? (await askUncommitted(given, suggested, preflight));
  onTyped({ uncommitted });
  const { base = suggested.base, branch = suggested.branch } = given;
  const where = { ...(base === undefined ? {} : { base }), ...(branch === undefined ? {} : { branch }) };
  let body = given.body ?? suggested.body ?? preflight.body;
  if (given.draft !== undefined) return { title, body, uncommitted, draft: given.draft, ...where };
  let kind = await askKind(preflight, { ...where, mayEdit: given.body === undefined });
  if (kind === 'edit') {
    const edited = await editDescription(body, (text) => onTyped({ body: text }));
    ({ body, kind } = edited);
  }
  if (kind === 'where') Object.assign(where, await askWhere(preflight, where));
  onTyped({ body, ...where });
  if (kind === 'where') kind = await askKind(preflight, { ...where, mayEdit: false });
  return { title, body, uncommitted, draft: kind === 'draft', ...where };
}

const askTitle = (
  value: string,
  { existing }: Preflight,
  onTyped: (typed: PullRequestDraft) => void,
): Promise<string> =>
  askText({
    title: TITLE(),
    prompt:
      existing === undefined
        ? vscode.l10n.t('Title of the pull request')
        : vscode.l10n.t('Title of pull request #{0}, which is brought up to date', existing.number),
    value,
    check: (text) => (text.trim() === '' ? vscode.l10n.t('A pull request needs a title.') : undefined),
    onTyped: (title) => onTyped({ title }),
  });

/** The person's own work was not in a commit when the task began. It never goes along unasked. */
async function askUncommitted(
  given: Partial<PullRequestText>,
  suggested: PullRequestDraft,
  { uncommitted }: Preflight,
): Promise<PullRequestText['uncommitted']> {
  if (uncommitted === undefined) return 'leave-out';
  // Whoever gives everything else is not asked.
  if (given.draft !== undefined) return suggested.uncommitted ?? 'leave-out';
  const { files, conflicts } = uncommitted;
  const leaveOut = {
    label: vscode.l10n.t('$(circle-slash) Leave my uncommitted work out'),
    detail:
      conflicts.length === 0
        ? vscode.l10n.t('Only what you accepted is pushed. Your work stays where it is: in your files.')
        : vscode.l10n.t('Not possible: the agent built on it in {0}', conflicts.join(', ')),
    choice: 'leave-out' as const,
  };
  const include = {
    label: vscode.l10n.t('$(git-commit) Include it as a first commit of its own'),
    detail: vscode.l10n.t(
      '{0} as they were when the task began; everybody who sees the pull request sees them.',
      fileCount(files),
    ),
    choice: 'include' as const,
  };
  const picked = await vscode.window.showQuickPick(
    conflicts.length === 0 ? [leaveOut, include] : [include, leaveOut],
    {
      title: TITLE(),
      placeHolder: vscode.l10n.t(
        'The task started from work that you had not committed ({0})',
        fileCount(files),
      ),
      ignoreFocusOut: true,
    },
  );
  if (!picked) throw new Cancelled();
  return picked.choice;
}

type Kind = 'draft' | 'ready' | 'edit' | 'where';

async function askKind(
  { base, head, forge }: Preflight,
  chosen: { base?: string; branch?: string; mayEdit: boolean },
): Promise<Kind> {
  const into = chosen.base ?? base.branch ?? vscode.l10n.t('the default branch');
  const detail = vscode.l10n.t('{0} into {1}', chosen.branch ?? head.branch, into);
  const items: (vscode.QuickPickItem & { choice: Kind })[] = [
    { label: vscode.l10n.t('$(git-pull-request-draft) Open as draft'), detail, choice: 'draft' },
    { label: vscode.l10n.t('$(git-pull-request) Open ready for review'), detail, choice: 'ready' },
    { label: vscode.l10n.t('$(edit) Edit the description first'), choice: 'edit' },
    { label: vscode.l10n.t('$(git-branch) Choose other branches'), choice: 'where' },
  ];
  const asGitHub = forge === 'github' ? items : items.filter(({ choice }) => choice !== 'draft');
  const picked = await vscode.window.showQuickPick(
    asGitHub.filter(({ choice }) => choice !== 'edit' || chosen.mayEdit),
    {
      title: TITLE(),
      placeHolder: vscode.l10n.t('The description is the agent’s, in the form that the repository asks for'),
      ignoreFocusOut: true,
    },
  );
  if (!picked) throw new Cancelled();
  return picked.choice;
}

/** Which branch is pushed to, and which one the pull request is to go into. */
export async function askWhere(
  { base, head }: Preflight,
  chosen: { base?: string; branch?: string },
): Promise<{ base?: string; branch: string }> {
  const branch = await askBranch(chosen.branch ?? head.branch);
  const into = await askBase(chosen.base ?? base.branch ?? '');
  return { branch, ...(into === '' ? {} : { base: into }) };
}

export const askBranch = (value: string): Promise<string> =>
  askText({
    title: TITLE(),
    prompt: vscode.l10n.t('Branch to push to'),
    value,
    check: (text) =>
      isBranchName(text.trim()) ? undefined : vscode.l10n.t('Git allows no such branch name.'),
  });

export const askBase = (value: string): Promise<string> =>
  askText({
    title: TITLE(),
    prompt: vscode.l10n.t('Branch that the pull request is to go into; empty for the default branch'),
    value,
    check: (text) =>
      text.trim() === '' || isBranchName(text.trim())
        ? undefined
        : vscode.l10n.t('Git allows no such branch name.'),
  });

/** As far as it can be told while typing; Git has the last word. */
function isBranchName(name: string): boolean {
  return name !== '' && !/[\s~^:?*[\\\x00-\x1f]|\.\.|@\{|\/\/|^[-/.]|[/.]$|\.lock$/.test(name);
}
