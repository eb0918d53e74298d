import * as vscode from 'vscode';
import type { Preflight } from '../../server/protocol/publish.ts';
import type { App } from '../app.ts';
import { authorOf } from '../git/author.ts';
import type { Repo } from '../git/local-branch.ts';
import { askWayOn, type Wish } from '../github/ask-way-on.ts';
import { makeCommits } from '../github/make-commits.ts';
import { ExpectedError } from '../ui/failure.ts';

export interface CommitsAsked {
  taskId: string;
  acceptedTree: string;
  preflight: Preflight;
  /** Whose configuration says who commits. */
  repo: Repo;
  /** Absent: the agent's words, and uncommitted work left out. */
  wish?: Wish;
}

/** What was accepted as commits by the person, once they have said yes to whatever needs that. */
export async function commitsFor(app: App, { taskId, acceptedTree, preflight, repo, wish }: CommitsAsked) {
  const author = await authorOf(repo.git, repo.root);
  if (!author) throw nobody();
  const client = await app.connection.client();
  const wanted = { wish: wish ?? plainWish(preflight), preflight };
  return makeCommits(client, { taskId, acceptedTree, author }, wanted, askWayOn);
}

const plainWish = ({ title, body }: Preflight): Wish => ({
  title,
  body,
  draft: true,
  uncommitted: 'leave-out',
  sign: false,
  allowWorkflows: false,
  allowedSecrets: [],
});

const nobody = (): ExpectedError =>
  new ExpectedError(
    'bad_request',
    vscode.l10n.t('Git does not know here who commits.'),
    vscode.l10n.t('Set user.name and user.email (git config), then try again.'),
  );
