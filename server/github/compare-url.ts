/** GitHub answers 414 to a longer request line; its front end takes about 8 KiB, and others no less. */
export const MAX_URL = 8000;

/**
 * GitHub's page for opening the pull request by hand, filled in as far as a URL can carry it. Without a base GitHub takes the default branch.
 * @param repository the address of the repository's page
 */
export function compareUrl(
  repository: string,
  { base, head, title, body }: { base?: string | undefined; head: string; title: string; body: string },
): string {
  const branch = (name: string) => name.split('/').map(encodeURIComponent).join('/');
  const range = base === undefined ? branch(head) : `${branch(base)}...${branch(head)}`;
  const page = `${repository}/compare/${range}?expand=1`;
  const withTitle = `${page}&title=${fitted(title, MAX_URL - page.length - '&title='.length)}`;
  if (body === '') return withTitle;
  return `${withTitle}&body=${fitted(body, MAX_URL - withTitle.length - '&body='.length)}`;
}

/** As much of the text as fits, encoded, in whole characters. */
export function fitted(text: string, room: number): string {
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
