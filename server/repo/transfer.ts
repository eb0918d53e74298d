import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../errors.ts';
import { diskFull, isFull } from './disk.ts';
import { GitError } from './git.ts';
import { overlayEdits } from './overlay.ts';
import {
  BASE_REF,
  createAttempt,
  type RepoDeps,
  readRef,
  repoPath,
  SOURCE_REF,
  writeRef,
} from './repository.ts';
import type { PreparedSource, SourceInput } from './source.ts';
import { writeTree } from './trees.ts';

/** What a task's repository is besides its objects. */
export interface RepositoryNames {
  /** Names below `refs/handoff/`, and the objects that they keep. */
  refs: Record<string, string>;
  /** Commits whose parents are not there. */
  shallow: string[];
}

/**
 * The refs that a task's repository keeps its objects by; nothing else is taken from a file. Above all no commits that were pushed:
 * a branch which holds one of those is overwritten.
 */
const REF = /^refs\/handoff\/(base|source|(fetched|proposal|accepted)\/[0-9a-f]{40})$/;
export const isTaskRef = (name: string): boolean => REF.test(name);

/**
 * Writes all objects that the task's refs keep into one pack in `folder`.
 * @returns undefined where the task has no repository yet
 */
export async function packRepository(
  deps: RepoDeps,
  taskId: string,
  folder: string,
): Promise<(RepositoryNames & { pack: string }) | undefined> {
  const repo = repoPath(deps, taskId);
  if ((await readRef(repo, BASE_REF)) === undefined) return undefined;
  const listed = await deps.git(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/handoff'], {
    repo,
    maxOutputBytes: 2 ** 26,
  });
  const refs = Object.fromEntries(
    listed
      .toString()
      .split('\n')
      .flatMap((line) => {
        const [oid = '', name = ''] = line.split(' ');
        return isTaskRef(name) ? [[name, oid]] : [];
      }),
  );
  const args = ['pack-objects', '--quiet', '--revs', '--delta-base-offset', path.join(folder, 'pack')];
  const stdin = Buffer.from([...new Set(Object.values(refs)), ''].join('\n'));
  const name = (await deps.git(args, { repo, stdin })).toString().trim();
  const shallow = await readFile(path.join(repo, 'shallow'), 'utf8').catch(() => '');
  return { refs, shallow: shallow.split('\n').filter(Boolean), pack: path.join(folder, `pack-${name}.pack`) };
}

/** A file in a repository whose task's record may not have been committed. */
const IMPORTED = 'handoff-imported';

/** Whether the repository came in a file, and nobody has seen its task since. */
export const isImported = (repo: string): Promise<boolean> =>
  access(path.join(repo, IMPORTED)).then(
    () => true,
    () => false,
  );

/** Its task is there: it is a repository like others. */
export const settleImport = (repo: string): Promise<void> => rm(path.join(repo, IMPORTED), { force: true });

/**
 * Makes a repository of what came in a file, beside the task's own: `settle` puts it there, `discard` takes it away. Its objects are
 * a stranger's: well formed, with all that they link to, no `.git` entries; and it has what the task's record speaks of. What the
 * task begins with is made anew of its source, for a review shows nothing that was slipped in there.
 *
 * @param pack is taken away from where it is
 * @param trees of proposal and workspace, which have to be there
 * @throws {AppError} `import_invalid`, or `overlay_invalid`
 */
export async function unpackRepository(
  deps: RepoDeps,
  taskId: string,
  parts: RepositoryNames & {
    pack: string;
    source: SourceInput['source'];
    prepared: PreparedSource;
    trees: string[];
  },
): Promise<{ settle(): Promise<void>; discard(): Promise<void> }> {
  const { refs, shallow, source, prepared, trees } = parts;
  const repo = await createAttempt(deps, taskId, 'import');
  const discard = (): Promise<void> => rm(repo, { recursive: true, force: true, maxRetries: 3 });
  try {
    if (shallow.length > 0) await writeFile(path.join(repo, 'shallow'), [...shallow, ''].join('\n'));
    const pack = path.join(repo, 'objects', 'pack', 'pack-imported.pack');
    await mkdir(path.dirname(pack), { recursive: true });
    await rename(parts.pack, pack);
    await deps.git(['index-pack', '--strict', pack], { repo });
    for (const [name, oid] of Object.entries(refs)) await writeRef(repo, name, oid);
    await assertHas(deps, repo, refs, prepared, trees);
    await assertNamed(deps, repo, refs);
    await assertBegins(deps, repo, refs, source, prepared);
    await writeFile(path.join(repo, IMPORTED), '');
  } catch (error) {
    await discard();
    if (!(error instanceof GitError)) throw error;
    throw (await isFull([deps.reposDir])) ? diskFull(error) : unsound(error);
  }
  return {
    async settle() {
      const place = repoPath(deps, taskId);
      // Of a task that is no more, or of a try at this import whose record was not committed.
      await rm(place, { recursive: true, force: true, maxRetries: 3 });
      await rename(repo, place);
    },
    discard,
  };
}

async function assertHas(
  deps: RepoDeps,
  repo: string,
  refs: Record<string, string>,
  { baseCommit, baseTree }: PreparedSource,
  trees: string[],
): Promise<void> {
  const wanted = [
    ...Object.values(refs).map((oid) => ({ oid, type: undefined })),
    { oid: baseCommit, type: 'commit' },
    ...[baseTree, ...trees].map((oid) => ({ oid, type: 'tree' })),
  ];
  const stdin = Buffer.from(wanted.map(({ oid }) => `${oid}\n`).join(''));
  const printed = await deps.git(['cat-file', '--batch-check=%(objecttype)'], { repo, stdin });
  const types = printed.toString().trimEnd().split('\n');
  const missing = wanted.find(
    ({ type }, index) => types[index]?.endsWith(' missing') || (type && types[index] !== type),
  );
  if (missing) throw unsound(undefined, `It lacks the object ${missing.oid}.`);
}

/** The base is the source's commit with the person's uncommitted files laid over it, and nothing else. */
async function assertBegins(
  deps: RepoDeps,
  repo: string,
  refs: Record<string, string>,
  { commit, overlay }: SourceInput['source'],
  { baseCommit, baseTree }: PreparedSource,
): Promise<void> {
  const from = await deps.git(['rev-parse', '--verify', '--quiet', `${baseCommit}^{tree}`], { repo });
  const edits = overlayEdits(overlay);
  const refFor = (): string => BASE_REF;
  const { tree } = await writeTree(deps.git, repo, { from: from.toString().trim(), edits, refFor });
  if (refs[SOURCE_REF] !== baseCommit || commit !== baseCommit || tree !== baseTree) {
    throw unsound(undefined, 'It begins with something else than its record says.');
  }
}

/** A ref that ends in an object's name has to keep that: the commit itself, or a commit of that tree. */
async function assertNamed(deps: RepoDeps, repo: string, refs: Record<string, string>): Promise<void> {
  const named = Object.entries(refs).flatMap(([name, oid]) => {
    const [, kind, object] = /\/(fetched|proposal|accepted)\/([0-9a-f]{40})$/.exec(name) ?? [];
    return object === undefined ? [] : [{ name, object, kept: kind === 'fetched' ? oid : `${oid}^{tree}` }];
  });
  if (named.length === 0) return;
  const stdin = Buffer.from(named.map(({ kept }) => `${kept}\n`).join(''));
  const printed = await deps.git(['cat-file', '--batch-check=%(objectname)'], { repo, stdin });
  const found = printed.toString().split('\n');
  const odd = named.find(({ object }, index) => found[index] !== object);
  if (odd) throw unsound(undefined, `${odd.name} does not keep what it is named after.`);
}

function unsound(cause: unknown, why = 'Its objects are damaged, or not what Git allows.'): AppError {
  return new AppError('import_invalid', `The repository in the file cannot be used. ${why}`, {
    cause,
    nextAction: 'Export the task again, and import that file whole.',
  });
}
