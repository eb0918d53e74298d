import type { Warm } from './commands.ts';
import type { OverlayEntry, SourceSpec } from './source.ts';

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

export interface CaptureOptions {
  /** Any folder inside the working tree. */
  folder: string;
  /** For a relay on another machine: takes a Git bundle of the commit. Absent: the relay reads the folder in place. */
  upload?: (bundle: Uint8Array<ArrayBuffer>) => Promise<{ sourceId: string }>;
  maxOverlayBytes?: number;
  maxOverlayFiles?: number;
}

export interface Capture {
  /** The working tree's root, forward slashes. */
  toplevel: string;
  source: SourceSpec;
  /** Whether a remote-tracking branch has the commit, as far as this clone knows. */
  pushed: boolean;
  /** Changed submodules: their content does not travel. */
  skippedSubmodules: string[];
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

const MAX_OVERLAY_BYTES = 25 * 1024 * 1024;
/** As many as `SourceSpec` takes. */
const MAX_OVERLAY_FILES = 20_000;
const GITLINK = '160000';

/** Read-only, quiet, and nothing of the person's configuration that would write beside the temporary index. */
const QUIET = [
  ...['-c', 'core.splitIndex=false', '-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false'],
  ...['-c', 'core.safecrlf=false', '-c', 'advice.addEmbeddedRepo=false', '-c', 'gc.auto=0'],
];

/**
 * The person's work as it is now: the commit of HEAD, and all that is staged, unstaged, untracked or deleted, as Git would
 * store it. HEAD, index, objects and files stay byte for byte as they were: the index is a copy, new objects go elsewhere.
 * Throws `CaptureError`; what `upload` throws passes through.
 */
export async function captureSource(deps: CaptureDeps, options: CaptureOptions): Promise<Capture> {
  const place = await locate(deps, options.folder);
  const git = readingIn(deps, place);
  const [{ branch, remote }, tracking] = await Promise.all([
    whereabouts(git),
    git('for-each-ref', '--count=1', `--contains=${place.commit}`, 'refs/remotes').then(firstLine),
  ]);
  const { overlay, skippedSubmodules } = await captureOverlay(deps, place, options);
  const from = options.upload
    ? { sourceId: (await options.upload(await bundle(deps, place))).sourceId }
    : { url: fileUrl(place.toplevel) };
  return {
    toplevel: place.toplevel,
    source: {
      ...from,
      ...(remote === undefined ? {} : { remote }),
      commit: place.commit,
      ...(branch === undefined ? {} : { branch }),
      overlay,
    },
    pushed: tracking !== undefined,
    skippedSubmodules,
  };
}

/**
 * As much of it as is known before the person has written a word, at the cost of a few processes: the commit of HEAD, for a relay that reads
 * the folder in place. Throws `CaptureError`.
 */
export async function capturePlace(deps: CaptureDeps, folder: string): Promise<Warm['source']> {
  const place = await locate(deps, folder);
  const { branch, remote } = await whereabouts(readingIn(deps, place));
  return {
    url: fileUrl(place.toplevel),
    ...(remote === undefined ? {} : { remote }),
    commit: place.commit,
    ...(branch === undefined ? {} : { branch }),
  };
}

const readingIn =
  (deps: CaptureDeps, { toplevel }: Place) =>
  (...args: string[]): Promise<Ran> =>
    deps.git(['-C', toplevel, ...args], { env: { GIT_OPTIONAL_LOCKS: '0' } });

async function whereabouts(git: ReturnType<typeof readingIn>) {
  const [branch, remote] = await Promise.all([
    git('symbolic-ref', '--quiet', '--short', 'HEAD').then(firstLine),
    originUrl(git),
  ]);
  return { branch, remote };
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

type Ran = Awaited<ReturnType<CaptureDeps['git']>>;

interface Place {
  toplevel: string;
  commit: string;
  index: string;
  objects: string;
}

/** Where the repository has its things, or why there is nothing to capture. */
async function locate(deps: CaptureDeps, folder: string): Promise<Place> {
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

async function originUrl(git: (...args: string[]) => Promise<Ran>): Promise<string | undefined> {
  const names = text(await git('remote'))
    .split(/\r?\n/)
    .filter(Boolean);
  const name = names.includes('origin') ? 'origin' : names[0];
  if (name === undefined) return undefined;
  const url = firstLine(await git('remote', 'get-url', '--', name));
  return url === undefined ? undefined : withoutCredentials(url);
}

/** All that differs between the commit and the working tree. */
async function captureOverlay(deps: CaptureDeps, place: Place, options: CaptureOptions) {
  const temp = await deps.makeTempDir();
  try {
    const env = {
      GIT_OPTIONAL_LOCKS: '0',
      GIT_INDEX_FILE: `${temp}/index`,
      GIT_OBJECT_DIRECTORY: temp,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(place.objects),
      GIT_LITERAL_PATHSPECS: '1',
    };
    const git = async (what: string, args: string[], input?: string) => {
      const ran = await deps.git(
        ['-C', place.toplevel, ...QUIET, '-c', `core.hooksPath=${temp}/no-hooks`, ...args],
        input === undefined ? { env } : { env, input },
      );
      if (ran.exitCode === 0) return ran.stdout;
      throw failed(what, ran, 'Mend what Git names, or add it to .gitignore, then try again.');
    };
    await deps.copyFile(place.index, `${temp}/index`);
    const staged = await git('list what is staged', [
      ...['diff-index', '--cached', '--name-only', '-z', '--no-renames', place.commit, '--'],
    ]);
    const unstaged = await git('list what changed', ['ls-files', '-z', '-m', '-o', '--exclude-standard']);
    const changed = new Set([...names(staged), ...names(unstaged)]);
    await refuseTooMuch(deps, place.toplevel, changed, options);
    await git('read the working tree', ['add', '--all']);
    const raw = await git('compare with the commit', [
      ...['diff-index', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '--ignore-submodules=none'],
      ...[place.commit, '--'],
    ]);
    const changes = parseRaw(raw);
    const files = changes.filter(isFile);
    const oids = [...new Set(files.flatMap((change) => change.oid ?? []))];
    const blobs =
      oids.length === 0
        ? new Map<string, Uint8Array>()
        : parseBatch(await git('read contents', ['cat-file', '--batch', '--buffer'], `${oids.join('\n')}\n`));
    const overlay = files.map(({ path, mode, oid }): OverlayEntry => {
      const content = oid === null ? null : blobs.get(oid);
      if (content === undefined) throw new RangeError(`git cat-file left out ${oid}`);
      return { path, mode, content: content && toBase64(content) };
    });
    return {
      overlay,
      skippedSubmodules: changes.filter((change) => !isFile(change)).map(({ path }) => path),
    };
  } finally {
    await deps.removeDir(temp);
  }
}

/** Before Git reads it all: an un-ignored build folder or a disk image is refused at once. */
async function refuseTooMuch(
  deps: CaptureDeps,
  toplevel: string,
  paths: Set<string>,
  options: CaptureOptions,
) {
  const maxFiles = options.maxOverlayFiles ?? MAX_OVERLAY_FILES;
  const maxBytes = options.maxOverlayBytes ?? MAX_OVERLAY_BYTES;
  const nextAction = 'Commit it, or add what does not belong to the task to .gitignore.';
  if (paths.size > maxFiles) {
    throw new CaptureError(
      'too-large',
      `${paths.size} uncommitted files are more than ${maxFiles}.`,
      nextAction,
    );
  }
  let total = 0;
  let largest = { path: '', size: -1 };
  for (const path of paths) {
    const size = (await deps.fileSize(`${toplevel}/${path}`)) ?? 0;
    total += size;
    if (size > largest.size) largest = { path, size };
  }
  if (total <= maxBytes) return;
  throw new CaptureError(
    'too-large',
    `The uncommitted work has ${megabytes(total)}, more than ${megabytes(maxBytes)}; the largest is ${largest.path} (${megabytes(largest.size)}).`,
    nextAction,
  );
}

/** @returns every commit that HEAD reaches */
async function bundle(deps: CaptureDeps, place: Place): Promise<Uint8Array<ArrayBuffer>> {
  const ran = await deps.git(['-C', place.toplevel, 'bundle', 'create', '--quiet', '-', 'HEAD']);
  if (ran.exitCode === 0) return ran.stdout;
  throw failed('bundle the commits', ran, 'Run `git fsck`, mend what it names, then try again.');
}

interface Change {
  path: string;
  mode: string;
  /** Null where the path is gone. */
  oid: string | null;
}

function isFile(change: Change): change is Change & { mode: OverlayEntry['mode'] } {
  return change.mode !== GITLINK;
}

/** `:<old mode> <new mode> <old oid> <new oid> <status>\0<path>\0`, repeated. A deletion is told with its old mode. */
function parseRaw(raw: Uint8Array): Change[] {
  const fields = names(raw);
  const changes: Change[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, oldMode, newMode, , newOid, status] =
      /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) (\w)/.exec(fields[index] ?? '') ?? [];
    const path = fields[index + 1];
    if (!path || !oldMode || !newMode || !newOid)
      throw new RangeError('git diff-index answered another format');
    changes.push(status === 'D' ? { path, mode: oldMode, oid: null } : { path, mode: newMode, oid: newOid });
  }
  return changes;
}

/** `<oid> blob <size>\n<content>\n`, repeated. */
function parseBatch(batch: Uint8Array): Map<string, Uint8Array> {
  const blobs = new Map<string, Uint8Array>();
  let at = 0;
  while (at < batch.length) {
    const end = batch.indexOf(0x0a, at);
    const [, oid, size] =
      /^([0-9a-f]+) blob (\d+)$/.exec(new TextDecoder().decode(batch.subarray(at, end))) ?? [];
    if (!oid || !size) throw new RangeError('git cat-file answered another format');
    at = end + 1 + Number(size);
    blobs.set(oid, batch.subarray(end + 1, at));
    at += 1;
  }
  return blobs;
}

/** NUL-terminated names. JSON carries only Unicode, so another name is refused rather than changed. */
function names(bytes: Uint8Array): string[] {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split('\0').slice(0, -1);
  } catch {
    throw new CaptureError(
      'unsupported-name',
      'A changed file has a name that is not UTF-8.',
      'Rename it, or commit it as it is, then try again.',
    );
  }
}

/** As Git reads it in a list of paths, where a bare `:` would separate. */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`;
}

function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x8000) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(parts.join(''));
}

function text({ stdout }: Ran): string {
  return new TextDecoder().decode(stdout);
}

/** Of a successful run; nothing where it failed or printed nothing. */
function firstLine(ran: Ran): string | undefined {
  return ran.exitCode === 0 ? text(ran).split(/\r?\n/)[0] || undefined : undefined;
}

function said({ stderr }: Ran): string {
  const line = stderr.trim().split('\n')[0];
  return line ? ` (Git says: ${line})` : '';
}

function failed(what: string, ran: Ran, nextAction: string): CaptureError {
  return new CaptureError('git-failed', `Git could not ${what}${said(ran)}.`, nextAction);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
