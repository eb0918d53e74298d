import type { GitHubRepository } from './remote-url.ts';

export interface ComparePage extends GitHubRepository {
  githubUrl: string;
  /** Absent: GitHub takes the default branch. */
  base?: string;
  head: string;
  title: string;
  body: string;
}

/** GitHub answers 414 to a longer request line; its front end takes about 8 KiB. */
const MAX_URL = 8000;

/** GitHub's page for opening the pull request by hand, filled in as far as a URL can carry it. */
export function compareUrl({ githubUrl, owner, repo, base, head, title, body }: ComparePage): string {
  const branch = (name: string) => name.split('/').map(encodeURIComponent).join('/');
  const range = base === undefined ? branch(head) : `${branch(base)}...${branch(head)}`;
  const page = `${new URL(githubUrl).origin}/${owner}/${repo}/compare/${range}?expand=1`;
  const withTitle = `${page}&title=${encoded(title, MAX_URL - page.length - '&title='.length)}`;
  if (body === '') return withTitle;
  return `${withTitle}&body=${encoded(body, MAX_URL - withTitle.length - '&body='.length)}`;
}

/** As much of the text, in whole characters, as fits. */
function encoded(text: string, room: number): string {
  const whole = encodeURIComponent(text.toWellFormed());
  if (whole.length <= room) return whole;
  let kept = '';
  for (const character of text.toWellFormed()) {
    const next = encodeURIComponent(character);
    if (kept.length + next.length + ELLIPSIS.length > room) break;
    kept += next;
  }
  return `${kept}${ELLIPSIS}`;
}

const ELLIPSIS = encodeURIComponent('…');
