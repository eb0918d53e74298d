import { realpath } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** GitHub serves ssh on the port of https too, by this prefix of its name. */
const SSH_OVER_HTTPS = /^ssh\.(github\.com)$/;

/**
 * The one form that all addresses of a repository come down to, so that a secret which was allowed for one of them is allowed for
 * the repository: without user, password, `.git` and letter case; https and ssh are one (`example.com/owner/name`). Plain http is
 * another, for anybody on the way can answer there; a folder is its real path. The form itself is an address, too.
 * @returns undefined for what names no repository
 */
export async function repositoryIdentity(address: string): Promise<string | undefined> {
  if (/[\s\0-\x1f\x7f]/.test(address)) return undefined;
  const bare = /^((?:\w[\w.-]*|\[[\da-f:]+\])(?::\d+)?)(\/(?!\/).+)$/i.exec(address);
  if (bare !== null) return hosted('', bare[1] ?? '', bare[2] ?? '');
  const scp = /^(?!(?:https?|ssh|file):)(?:[^@/:]+@)?([\w.-]+):(?!\/\/)(.+)$/i.exec(address);
  if (scp !== null && !/^[a-z]$/i.test(scp[1] ?? '')) return hosted('', scp[1] ?? '', scp[2] ?? '');
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.search !== '' || url.hash !== '') return undefined;
  switch (url.protocol) {
    case 'https:':
      return hosted('', url.host, url.pathname);
    case 'ssh:':
    case 'git+ssh:':
      return hosted('', withoutSshPort(url), url.pathname);
    case 'http:':
      return hosted('http://', url.host, url.pathname);
    case 'file:':
      return url.host === '' ? localFolder(url) : undefined;
    default:
      return undefined;
  }
}

/** Another port than ssh's own is another server. */
function withoutSshPort({ hostname, port }: URL): string {
  const alias = SSH_OVER_HTTPS.exec(hostname)?.[1];
  if (alias !== undefined && port === '443') return alias;
  return port === '' || port === '22' ? hostname : `${hostname}:${port}`;
}

function hosted(scheme: string, host: string, path: string): string | undefined {
  const parts = path
    .replace(/\/+$/, '')
    .replace(/\.git$/i, '')
    .split('/')
    .filter(Boolean);
  if (host === '' || parts.length === 0 || parts.includes('..')) return undefined;
  return `${scheme}${host}/${parts.join('/')}`.toLowerCase();
}

async function localFolder(url: URL): Promise<string | undefined> {
  try {
    return pathToFileURL(await realpath(fileURLToPath(url))).href;
  } catch {
    return undefined; // It is not there.
  }
}
