import {
  type CaptureDeps,
  CaptureError,
  failed,
  fileUrl,
  firstLine,
  locate,
  type Place,
  readingIn,
  text,
  whereabouts,
} from './capture-git.ts';
import { readWork, SCANNED_BYTES, type UncommittedFile, type WorkFile } from './capture-work.ts';
import type { Warm } from './commands.ts';
import type { SourceSpec } from './source.ts';

export interface CaptureOptions {
  /** Any folder inside the working tree. */
  folder: string;
  /** For a relay on another machine: takes a Git bundle of the commit. Absent: the relay reads the folder in place. */
  upload?: (bundle: Uint8Array<ArrayBuffer>) => Promise<{ sourceId: string }>;
  /** False: the commit alone, without any of the work on top of it. */
  uncommitted?: boolean;
  /** What travels although it looks as if it held a secret, by path. */
  include?: readonly string[];
  /** What stays, by path. */
  exclude?: readonly string[];
  maxOverlayBytes?: number;
  maxOverlayFiles?: number;
}

export interface Capture {
  /** The working tree's root, forward slashes. */
  toplevel: string;
  source: SourceSpec;
  /** Whether a remote-tracking branch has the commit, as far as this clone knows. */
  pushed: boolean;
  /** Of the uncommitted work: what is in `source`, and what stays, so that the task starts from what was committed of it, or from nothing. */
  sent: UncommittedFile[];
  leftOut: UncommittedFile[];
  /** Repositories inside this one that are no submodules. They never travel. */
  nested: string[];
}

/** What a capture would take, before it is taken. */
export interface CapturePreview {
  toplevel: string;
  branch?: string;
  files: UncommittedFile[];
  nested: string[];
  /** How many commits no remote-tracking branch has, counted to `MOST_COUNTED`. */
  unpushedCommits: number;
}

export const MOST_COUNTED = 1_000;

const MAX_OVERLAY_BYTES = 25 * 1024 * 1024;
/** As many as `SourceSpec` takes. */
const MAX_OVERLAY_FILES = 20_000;

/**
 * The person's work as it is now: the commit of HEAD, and all that is staged, unstaged, untracked or deleted, as Git would
 * store it. What looks as if it held a secret stays, unless `include` names it. HEAD, index, objects and files stay byte for byte
 * as they were. Throws `CaptureError`; what `upload` throws passes through.
 */
export async function captureSource(deps: CaptureDeps, options: CaptureOptions): Promise<Capture> {
  const place = await locate(deps, options.folder);
  const git = readingIn(deps, place);
  const [{ branch, remote }, tracking] = await Promise.all([
    whereabouts(git),
    git('for-each-ref', '--count=1', `--contains=${place.commit}`, 'refs/remotes').then(firstLine),
  ]);
  const { sent, leftOut, nested } = await captureWork(deps, place, options);
  const from = options.upload ? await upload(deps, place, options.upload) : { url: fileUrl(place.toplevel) };
  return {
    toplevel: place.toplevel,
    source: {
      ...from,
      ...(remote === undefined ? {} : { remote }),
      commit: place.commit,
      ...(branch === undefined ? {} : { branch }),
      overlay: sent.flatMap(({ entries }) => entries),
    },
    pushed: tracking !== undefined,
    sent: sent.map(({ entries, ...file }) => file),
    leftOut,
    nested,
  };
}

/** What `captureSource` would find. Content is read as far as is needed to see what looks like a secret. Throws `CaptureError`. */
export async function capturePreview(deps: CaptureDeps, folder: string): Promise<CapturePreview> {
  const place = await locate(deps, folder);
  const git = readingIn(deps, place);
  const [{ branch }, unpushed, { files, unread, nested }] = await Promise.all([
    whereabouts(git),
    git('rev-list', '--count', `--max-count=${MOST_COUNTED}`, place.commit, '--not', '--remotes'),
    readWork(deps, place, smallEnough),
  ]);
  return {
    toplevel: place.toplevel,
    ...(branch === undefined ? {} : { branch }),
    files: [...files.map(({ entries, ...file }) => file), ...unread],
    nested,
    unpushedCommits: Number(firstLine(unpushed) ?? 0),
  };
}

/** Whose content may tell of a secret, as far as that can be read at a glance. */
function smallEnough(files: UncommittedFile[]): UncommittedFile[] {
  let total = 0;
  return files.filter(({ bytes }) => {
    if (bytes > SCANNED_BYTES || total + bytes > MAX_OVERLAY_BYTES) return false;
    total += bytes;
    return true;
  });
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

async function captureWork(deps: CaptureDeps, place: Place, options: CaptureOptions) {
  const { uncommitted = true, include = [], exclude = [] } = options;
  if (!uncommitted) return { sent: [], leftOut: [], nested: [] };
  const [included, excluded] = [new Set(include), new Set(exclude)];
  const stays = ({ path, secret }: UncommittedFile): boolean =>
    excluded.has(path) || (secret !== undefined && !included.has(path));
  const { files, unread, nested } = await readWork(deps, place, (all) => {
    const chosen = all.filter((file) => !stays(file));
    refuseTooMuch(chosen, options);
    return chosen;
  });
  const sent: WorkFile[] = files.filter((file) => !stays(file));
  const held = files.filter(stays).map(({ entries, ...file }) => file);
  return { sent, leftOut: [...unread, ...held], nested };
}

/** Before Git reads it all: an un-ignored build folder or a disk image is refused at once. */
function refuseTooMuch(files: UncommittedFile[], options: CaptureOptions): void {
  const maxFiles = options.maxOverlayFiles ?? MAX_OVERLAY_FILES;
  const maxBytes = options.maxOverlayBytes ?? MAX_OVERLAY_BYTES;
  const nextAction = 'Commit it, leave it out, or add what does not belong to the task to .gitignore.';
  if (files.length > maxFiles) {
    throw new CaptureError(
      'too-large',
      `${files.length} uncommitted files are more than ${maxFiles}.`,
      nextAction,
    );
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= maxBytes) return;
  const largest = files.reduce((one, other) => (other.bytes > one.bytes ? other : one));
  throw new CaptureError(
    'too-large',
    `The uncommitted work has ${megabytes(total)}, more than ${megabytes(maxBytes)}; the largest is ${largest.path} (${megabytes(largest.bytes)}).`,
    nextAction,
  );
}

/** Every commit that HEAD reaches, and where a shallow clone has no more of them. */
async function upload(deps: CaptureDeps, place: Place, take: NonNullable<CaptureOptions['upload']>) {
  const git = readingIn(deps, place);
  const isShallow = firstLine(await git('rev-parse', '--is-shallow-repository')) === 'true';
  const roots = isShallow ? text(await git('rev-list', '--max-parents=0', place.commit)) : '';
  const bundle = await git('bundle', 'create', '--quiet', '-', 'HEAD');
  if (bundle.exitCode !== 0)
    throw failed('bundle the commits', bundle, 'Run `git fsck`, mend what it names, then try again.');
  const { sourceId } = await take(bundle.stdout);
  const shallow = roots.split('\n').filter(Boolean);
  return { sourceId, ...(shallow.length === 0 ? {} : { shallow }) };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
