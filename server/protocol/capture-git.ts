/** What capturing needs of the machine. All paths are absolute. */
export interface CaptureDeps {
  /**
   * Runs git with these arguments, without a shell and without inherited variables that name a repository (`GIT_DIR`
   * and what else `git rev-parse --local-env-vars` lists), with `env` on top.
   * Rejects only where git itself cannot be started.
   */
  git(
    args: string[],
    options?: { env?: Record<string, string>; input?: string | Uint8Array },
  ): Promise<{ exitCode: number; stdout: Uint8Array<ArrayBuffer>; stderr: string }>;
  /** A new empty folder that only this user can read. */
  makeTempDir(): Promise<string>;
  removeDir(path: string): Promise<void>;
  /**
   * Copies a file with its modification time rounded down to the second; resolves `false` where there is none.
   * The time matters: by it Git knows which entries of an index it must not trust without reading the file.
   */
  copyFile(from: string, to: string): Promise<boolean>;
  /** Size in bytes, without following links; nothing where the file is gone. */
  fileSize(path: string): Promise<number | undefined>;
}

export type CaptureErrorCode =
  | 'not-a-repository'
  | 'bare-repository'
  | 'no-commits'
  | 'too-large'
  | 'unsupported-name'
  | 'git-failed';

/** Why a working tree cannot be delegated; `nextAction` says what to do about it. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code: CaptureErrorCode;
  readonly nextAction: string;
  constructor(code: CaptureErrorCode, message: string, nextAction: string) {
    super(message);
    this.code = code;
    this.nextAction = nextAction;
  }
}

export type Ran = Awaited<ReturnType<CaptureDeps['git']>>;

export interface Place {
  toplevel: string;
  commit: string;
  index: string;
  objects: string;
}

/** Where the repository has its things, or why there is nothing to capture. */
export async function locate(deps: CaptureDeps, folder: string): Promise<Place> {
  const ask = (...args: string[]) => deps.git(['-C', folder, 'rev-parse', ...args]);
  const inside = await ask('--is-inside-work-tree');
  if (inside.exitCode !== 0) {
    throw new CaptureError(
      'not-a-repository',
      `${folder} cannot be used as a Git repository${said(inside)}.`,
      'Open a folder that is under Git, or run `git init` and make a first commit.',
    );
  }
  if (firstLine(inside) !== 'true') {
    throw new CaptureError(
      'bare-repository',
      `${folder} has no working tree: it is a bare repository or a .git folder.`,
      'Open a clone of it that has files.',
    );
  }
  const commit = firstLine(await ask('--verify', '--quiet', 'HEAD^{commit}'));
  if (commit === undefined) {
    throw new CaptureError(
      'no-commits',
      'The repository has no commit yet.',
      'Make a first commit: a task needs one to start from.',
    );
  }
  const paths = await ask(
    '--path-format=absolute',
    '--show-toplevel',
    '--git-path',
    'index',
    '--git-path',
    'objects',
  );
  const [toplevel, index, objects] = text(paths).split(/\r?\n/);
  if (paths.exitCode !== 0 || !toplevel || !index || !objects) {
    throw failed('find the parts of the repository', paths, 'Update Git to 2.31 or newer.');
  }
  return { toplevel, commit, index, objects };
}

export const readingIn =
  (deps: CaptureDeps, { toplevel }: Place) =>
  (...args: string[]): Promise<Ran> =>
    deps.git(['-C', toplevel, ...args], { env: { GIT_OPTIONAL_LOCKS: '0' } });

export async function whereabouts(git: ReturnType<typeof readingIn>) {
  const [branch, remote] = await Promise.all([
    git('symbolic-ref', '--quiet', '--short', 'HEAD').then(firstLine),
    originUrl(git),
  ]);
  return { branch, remote };
}

async function originUrl(git: (...args: string[]) => Promise<Ran>): Promise<string | undefined> {
  const names = text(await git('remote'))
    .split(/\r?\n/)
    .filter(Boolean);
  const name = names.includes('origin') ? 'origin' : names[0];
  if (name === undefined) return undefined;
  const url = firstLine(await git('remote', 'get-url', '--', name));
  return url === undefined ? undefined : withoutCredentials(url);
}

/** A remote's URL without what lets somebody in: user and password of http(s), the password of others. */
export function withoutCredentials(remote: string): string {
  const [, scheme, authority, path] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/i.exec(remote) ?? [];
  if (scheme === undefined || authority === undefined || path === undefined) return remote;
  const at = authority.lastIndexOf('@');
  const user = authority.slice(0, Math.max(at, 0)).split(':')[0] ?? '';
  const keepsUser = user !== '' && !/^https?$/i.test(scheme);
  return `${scheme}://${keepsUser ? `${user}@` : ''}${authority.slice(at + 1)}${path}`;
}

/** A path of forward slashes as a `file:` URL; `C:/x` and `//server/share` as on Windows. */
export function fileUrl(path: string): string {
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  if (/^[A-Za-z]:\//.test(path)) return `file:///${path.slice(0, 2)}${escaped.slice(escaped.indexOf('/'))}`;
  return path.startsWith('//') ? `file:${escaped}` : `file://${escaped}`;
}

export function text({ stdout }: Ran): string {
  return new TextDecoder().decode(stdout);
}

/** Of a successful run; nothing where it failed or printed nothing. */
export function firstLine(ran: Ran): string | undefined {
  return ran.exitCode === 0 ? text(ran).split(/\r?\n/)[0] || undefined : undefined;
}

function said({ stderr }: Ran): string {
  const line = stderr.trim().split('\n')[0];
  return line ? ` (Git says: ${line})` : '';
}

export function failed(what: string, ran: Ran, nextAction: string): CaptureError {
  return new CaptureError('git-failed', `Git could not ${what}${said(ran)}.`, nextAction);
}
