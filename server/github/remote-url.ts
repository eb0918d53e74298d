/** A repository at the relay's GitHub. */
export interface GitHubRepository {
  owner: string;
  repo: string;
}

const OWNER = /^[A-Za-z0-9][\w-]*$/;
const REPO = /^(?!\.{1,2}$)[\w.-]+$/;

/**
 * Which repository of `githubUrl` a remote is, by its https, ssh or `git@host:` form. Undefined for any other host: the person's
 * token is sent to this one only. Credentials in the remote are not looked at.
 */
export function parseGitHubRemote(remote: string, githubUrl: string): GitHubRepository | undefined {
  const github = new URL(githubUrl);
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.*)$/.exec(remote);
  const [host, path] =
    scp === null ? hostAndPath(remote, github) : [scp[1]?.toLowerCase() ?? '', scp[2] ?? ''];
  // GitHub serves ssh on port 443 too, by this name.
  if (host !== github.hostname && host !== `ssh.${github.hostname}`) return undefined;
  const [owner = '', name = '', ...rest] = path.replace(/^\/+|\/+$/g, '').split('/');
  const repo = name.replace(/\.git$/, '');
  return rest.length === 0 && OWNER.test(owner) && REPO.test(repo) ? { owner, repo } : undefined;
}

function hostAndPath(remote: string, github: URL): [string, string] {
  if (!URL.canParse(remote)) return ['', ''];
  const url = new URL(remote);
  if (url.search !== '' || url.hash !== '') return ['', ''];
  // Another port of the same host is another service; ssh has a port of its own.
  if (url.protocol === 'ssh:' || url.protocol === 'git+ssh:') return [url.hostname, url.pathname];
  const samePort = url.protocol !== github.protocol || url.port === github.port;
  return /^https?:$/.test(url.protocol) && samePort ? [url.hostname, url.pathname] : ['', ''];
}

/**
 * Whether Git would ask exactly that GitHub for a repository by this URL, so that the person's token may go along. Its scheme and port
 * count: what is sent by plain http, anybody on the way reads.
 */
export function isServedBy(url: string, githubUrl: string): boolean {
  if (parseGitHubRemote(url, githubUrl) === undefined || !URL.canParse(url)) return false;
  return new URL(url).origin === new URL(githubUrl).origin;
}

/** Where Git pushes to: the scheme and host of `githubUrl`, whatever form the remote had; without credentials. */
export function pushUrl({ githubUrl, owner, repo }: GitHubRepository & { githubUrl: string }): string {
  return `${new URL(githubUrl).origin}/${owner}/${repo}.git`;
}
