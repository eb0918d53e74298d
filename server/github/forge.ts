import type { ForgeKind } from '../protocol/publish.ts';
import { compareUrl, fitted, MAX_URL } from './compare-url.ts';
import { parseGitHubRemote } from './remote-url.ts';

/** A repository on somebody's website. */
export interface Forge {
  kind: ForgeKind;
  /** Of the website: scheme and host, and nothing of credentials. */
  webUrl: string;
  /** Of the repository's page below it, without slashes around, in the form that the address had. */
  path: string;
}

/** A pull or merge request that is to be opened by hand. */
export interface RequestPage {
  /** Absent: the repository's default branch. */
  base?: string | undefined;
  head: string;
  title: string;
  body: string;
}

/** Whose website a remote is at, by its https, ssh or `git@host:` form. Undefined for what is no address of any: a folder, a nonsense. */
export function forgeOf(remote: string, githubUrl: string): Forge | undefined {
  const github = parseGitHubRemote(remote, githubUrl);
  if (github) {
    return { kind: 'github', webUrl: new URL(githubUrl).origin, path: `${github.owner}/${github.repo}` };
  }
  const address = addressOf(remote);
  if (address === undefined || address.path === '') return undefined;
  const { host, webUrl, path } = address;
  const azure = azurePath(host, path);
  if (azure) return { kind: 'azure', ...azure };
  return { kind: kindOf(host), webUrl, path };
}

/**
 * The page where the request is opened by hand, with as much filled in as the forge documents: title and body at GitHub, GitLab and
 * Gitea, the branches everywhere. Undefined for a forge that is not known.
 */
export function requestPage({ kind, webUrl, path }: Forge, page: RequestPage): string | undefined {
  return PAGES[kind](`${webUrl}/${path.split('/').map(encodeURIComponent).join('/')}`, page);
}

const PAGES: { [Kind in ForgeKind]: (repository: string, page: RequestPage) => string | undefined } = {
  github: compareUrl,
  gitlab: (repository, { base, head, title, body }) =>
    filled(`${repository}/-/merge_requests/new`, [
      ['merge_request[source_branch]', head],
      ['merge_request[target_branch]', base],
      ['merge_request[title]', title],
      ['merge_request[description]', body],
    ]),
  bitbucket: (repository, { base, head }) =>
    filled(`${repository}/pull-requests/new`, [
      ['source', head],
      ['dest', base],
    ]),
  gitea: (repository, { base, head, title, body }) => {
    const range = [base, head].flatMap((branch) => (branch === undefined ? [] : [branchPath(branch)]));
    return filled(`${repository}/compare/${range.join('...')}`, [
      ['expand', '1'],
      ['title', title],
      ['body', body],
    ]);
  },
  azure: (repository, { base, head }) =>
    filled(`${repository}/pullrequestcreate`, [
      ['sourceRef', head],
      ['targetRef', base],
    ]),
  unknown: () => undefined,
};

const branchPath = (branch: string): string => branch.split('/').map(encodeURIComponent).join('/');

/** With these in its query, as far as a URL can be long; what is not known or empty is left out. */
function filled(page: string, query: [name: string, value: string | undefined][]): string {
  return query.reduce((url, [name, value], index) => {
    if (value === undefined || value === '') return url;
    const next = `${url}${index === 0 ? '?' : '&'}${encodeURIComponent(name)}=`;
    return next + fitted(value, MAX_URL - next.length);
  }, page);
}

/** By the forges' own hosts, and by the names that people give to hosts of their own. */
function kindOf(host: string): ForgeKind {
  if (host === 'github.com' || host.endsWith('.ghe.com')) return 'github';
  if (host === 'bitbucket.org') return 'bitbucket';
  const labels = host.split('.');
  if (labels.includes('gitlab')) return 'gitlab';
  return ['codeberg', 'gitea', 'forgejo'].some((name) => labels.includes(name)) ? 'gitea' : 'unknown';
}

/** Azure's addresses for Git are not those of its pages. */
function azurePath(host: string, path: string): { webUrl: string; path: string } | undefined {
  if (host === 'ssh.dev.azure.com' || host === 'vs-ssh.visualstudio.com') {
    const [, organisation, project, name] = /^v3\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (!organisation || !project || !name) return undefined;
    return { webUrl: 'https://dev.azure.com', path: `${organisation}/${project}/_git/${name}` };
  }
  const isAzure = host === 'dev.azure.com' || host.endsWith('.visualstudio.com');
  return isAzure && path.includes('_git/') ? { webUrl: `https://${host}`, path } : undefined;
}

interface Address {
  host: string;
  webUrl: string;
  path: string;
}

function addressOf(remote: string): Address | undefined {
  const [, scpHost, scpPath] = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/|:)(.*)$/.exec(remote) ?? [];
  if (scpHost !== undefined && scpPath !== undefined) {
    const host = scpHost.toLowerCase();
    // A single letter is a drive, not a host.
    return host.length < 2 ? undefined : { host, webUrl: `https://${host}`, path: pagePath(scpPath) };
  }
  if (!URL.canParse(remote)) return undefined;
  const { protocol, hostname, host, pathname } = new URL(remote);
  if (hostname === '') return undefined;
  const path = pagePath(decoded(pathname));
  if (/^https?:$/.test(protocol)) return { host: hostname, webUrl: `${protocol}//${host}`, path };
  // The port is that of ssh; pages are where pages are.
  return /^(?:git\+)?ssh:$/.test(protocol)
    ? { host: hostname, webUrl: `https://${hostname}`, path }
    : undefined;
}

const pagePath = (path: string): string => path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
