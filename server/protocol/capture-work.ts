import { type CaptureDeps, failed, type Place } from './capture-git.ts';
import { names, parseBatch, parseRaw, type RawPath, toBase64 } from './capture-output.ts';
import { type SecretKind, secretByContent, secretByName } from './secret-files.ts';
import type { OverlayEntry, OverlayFile } from './source.ts';

export type UncommittedKind = 'staged' | 'unstaged' | 'untracked' | 'deleted' | 'renamed' | 'submodule';

/** A path at which the working tree is not what was committed. */
export interface UncommittedFile {
  path: string;
  /** Of what is both staged and changed since, `unstaged`: what is on disk travels. */
  kind: UncommittedKind;
  /** Where a renamed file was. */
  from?: string;
  /** As it is on disk. */
  bytes: number;
  /** Why it may be nobody else's business. */
  secret?: SecretKind;
  /** A merge left it to be settled; it travels as it is on disk, with the markers that are in it. */
  isConflicted?: boolean;
}

/** The same once it was read: what is to be laid over the commit. */
export interface WorkFile extends UncommittedFile {
  entries: OverlayEntry[];
}

export interface Work {
  files: WorkFile[];
  /** Those that were not to be read. */
  unread: UncommittedFile[];
  /** Repositories inside this one that are no submodules: they never travel. */
  nested: string[];
}

/** Content of this many bytes is looked through for secrets; what is larger is data. */
export const SCANNED_BYTES = 256 * 1024;

const GITLINK = '160000';

/** Read-only, quiet, and nothing of the person's configuration that would write beside the temporary index. */
const QUIET = [
  ...['-c', 'core.splitIndex=false', '-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false'],
  ...['-c', 'core.safecrlf=false', '-c', 'gc.auto=0'],
];

/**
 * All that differs between the commit and the working tree, as Git would store it. `choose` says which of it is read. Index, objects
 * and files stay byte for byte as they were: the index is a copy, new objects go elsewhere.
 */
export async function readWork(
  deps: CaptureDeps,
  place: Place,
  choose: (files: UncommittedFile[]) => UncommittedFile[],
): Promise<Work> {
  const temp = await deps.makeTempDir();
  try {
    const git = gitBeside(deps, place, temp);
    await deps.copyFile(place.index, `${temp}/index`);
    const { files, gone, nested } = await listWork(deps, place, git);
    const chosen = choose(files);
    const known = new Set(chosen);
    return {
      files: chosen.length === 0 ? [] : await take(git, place, chosen, gone),
      unread: files.filter((file) => !known.has(file)),
      nested,
    };
  } finally {
    await deps.removeDir(temp);
  }
}

/** Runs Git with an index and objects of its own in `temp`. */
function gitBeside(deps: CaptureDeps, place: Place, temp: string) {
  const env = {
    GIT_OPTIONAL_LOCKS: '0',
    GIT_INDEX_FILE: `${temp}/index`,
    GIT_OBJECT_DIRECTORY: temp,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(place.objects),
    GIT_LITERAL_PATHSPECS: '1',
  };
  // Git LFS would keep the content of what it makes a pointer of beside the person's.
  const config = ['-c', `core.hooksPath=${temp}/no-hooks`, '-c', `lfs.storage=${temp}/lfs`];
  return async (
    what: string,
    args: string[],
    { input, accept = 0 }: { input?: string; accept?: number } = {},
  ) => {
    const ran = await deps.git(
      ['-C', place.toplevel, ...QUIET, ...config, ...args],
      input === undefined ? { env } : { env, input },
    );
    if (ran.exitCode === 0 || ran.exitCode === accept) return ran.stdout;
    throw failed(what, ran, 'Mend what Git names, or add it to .gitignore, then try again.');
  };
}

type GitBeside = ReturnType<typeof gitBeside>;

/** What there is, without reading the content of more than Git has to. Sorted by path. */
async function listWork(deps: CaptureDeps, place: Place, git: GitBeside) {
  // What was only touched is no change. It ends with 1 where there are changes.
  await git('read the index', ['update-index', '-q', '--refresh'], { accept: 1 });
  const [staged, unstaged, untracked] = await Promise.all([
    git('list what is staged', [
      ...['diff-index', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames'],
      ...['--ignore-submodules=none', place.commit, '--'],
    ]).then(parseRaw),
    git('list what changed', [
      ...['diff-files', '--raw', '-z', '--no-abbrev', '--no-renames', '--ignore-submodules=dirty', '--'],
    ]).then(parseRaw),
    git('list what is new', ['ls-files', '-z', '--others', '--exclude-standard']).then(names),
  ]);
  const found = new Map<string, UncommittedKind>();
  for (const file of staged) found.set(file.path, kindOf(file, 'staged'));
  for (const file of unstaged) found.set(file.path, kindOf(file, 'unstaged'));
  const isNested = (path: string) => path.endsWith('/');
  const fresh = new Set(untracked.filter((path) => !isNested(path)));
  for (const path of fresh) found.set(path, 'untracked');
  const gone = new Set(
    [...staged, ...unstaged].flatMap(({ path, oid }) => (oid === null && !fresh.has(path) ? [path] : [])),
  );

  const conflicted = new Set(unstaged.flatMap(({ path, status }) => (status === 'U' ? [path] : [])));
  const files = [...found].map(async ([path, kind]): Promise<UncommittedFile> => {
    const isFile = kind !== 'submodule' && !gone.has(path);
    const secret = isFile ? secretByName(path) : undefined;
    const bytes = isFile ? await deps.fileSize(`${place.toplevel}/${path}`) : undefined;
    return {
      ...{ path, kind, bytes: bytes ?? 0 },
      ...(secret === undefined ? {} : { secret }),
      ...(conflicted.has(path) ? { isConflicted: true } : {}),
    };
  });
  return {
    files: (await Promise.all(files)).sort(byPath),
    gone,
    nested: untracked.filter(isNested).map((path) => path.slice(0, -1)),
  };
}

function kindOf({ status, mode }: RawPath, otherwise: UncommittedKind): UncommittedKind {
  if (mode === GITLINK) return 'submodule';
  return status === 'D' ? 'deleted' : otherwise;
}

/** Reads these into the index beside, and what they come to. What turns out to be as it was committed is not among them. */
async function take(
  git: GitBeside,
  place: Place,
  chosen: UncommittedFile[],
  gone: ReadonlySet<string>,
): Promise<WorkFile[]> {
  const update = async (what: string, options: string[], isGone: boolean) => {
    const input = chosen.flatMap(({ path }) => (gone.has(path) === isGone ? [`${path}\0`] : [])).join('');
    if (input) await git(what, ['update-index', ...options, '-z', '--stdin'], { input });
  };
  // Apart: a path below what is a link now could not be looked at.
  await update('note what is gone', ['--force-remove'], true);
  await update('read the working tree', ['--add', '--remove', '--replace'], false);
  const raw = await git('compare with the commit', [
    ...['diff-index', '--cached', '--raw', '-z', '--no-abbrev', '--find-renames'],
    ...['--ignore-submodules=none', place.commit, '--'],
  ]);
  const wanted = new Map(chosen.map((file) => [file.path, file]));
  const changes = parseRaw(raw).filter(({ path }) => wanted.has(path));
  const blobs = await readBlobs(git, changes);
  const moved = new Set(
    changes.flatMap(({ from }) => (from !== undefined && wanted.has(from) ? [from] : [])),
  );
  return changes
    .filter(({ path }) => !moved.has(path))
    .map((change) => workFile(change, wanted.get(change.path), changes, blobs))
    .sort(byPath);
}

function workFile(
  change: RawPath,
  listed: UncommittedFile | undefined,
  changes: RawPath[],
  blobs: Map<string, Uint8Array>,
): WorkFile {
  const { path } = change;
  const origin = changes.find((other) => other.path === change.from);
  const found = { bytes: 0, ...listed, path, kind: kindOf(change, listed?.kind ?? 'unstaged') };
  const content = change.oid === null ? undefined : blobs.get(change.oid);
  const secret = found.secret ?? (content && contentSecret(content));
  return {
    ...found,
    ...(secret === undefined ? {} : { secret }),
    ...(origin === undefined ? {} : { kind: 'renamed' as const, from: origin.path }),
    entries: [...(origin === undefined ? [] : [origin]), change].map((part) => overlayEntry(part, blobs)),
  };
}

function contentSecret(content: Uint8Array): SecretKind | undefined {
  return content.length > SCANNED_BYTES ? undefined : secretByContent(new TextDecoder().decode(content));
}

function overlayEntry({ path, mode, oid }: RawPath, blobs: Map<string, Uint8Array>): OverlayEntry {
  if (mode === GITLINK) return { path, mode, oid };
  if (!isFileMode(mode)) throw new RangeError(`git diff-index told of a mode ${mode}`);
  const content = oid === null ? null : blobs.get(oid);
  if (content === undefined) throw new RangeError(`git cat-file left out ${oid}`);
  return { path, mode, content: content && toBase64(content) };
}

const isFileMode = (mode: string): mode is OverlayFile['mode'] =>
  mode === '100644' || mode === '100755' || mode === '120000';

async function readBlobs(git: GitBeside, changes: RawPath[]): Promise<Map<string, Uint8Array>> {
  const oids = new Set(changes.flatMap(({ mode, oid }) => (oid === null || mode === GITLINK ? [] : [oid])));
  if (oids.size === 0) return new Map();
  const input = `${[...oids].join('\n')}\n`;
  return parseBatch(await git('read contents', ['cat-file', '--batch', '--buffer'], { input }));
}

const byPath = (one: { path: string }, other: { path: string }): number =>
  one.path === other.path ? 0 : one.path < other.path ? -1 : 1;

/** As Git reads it in a list of paths, where a bare `:` would separate. */
export function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`;
}
