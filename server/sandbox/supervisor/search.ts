import fs from 'node:fs';
import { posix } from 'node:path';
import { type GrepMatch, SandboxError, type SearchResult } from '../sandbox.ts';
import type { GlobCall, GrepCall } from '../supervised/wire.ts';
import { fileFailure } from './failure.ts';
import { globTest, isNameGlob } from './glob-pattern.ts';
import { descriptor, locate, openAt } from './paths.ts';
import { COMMON_FLAGS, ripgrep } from './ripgrep.ts';

/** Characters of a matching line that are returned; a minified file has lines of megabytes. */
const MAX_LINE = 1_000;
/** Matches that are sorted here. With more, ripgrep searches again in order, on one thread, up to the limit. */
const MAX_UNORDERED = 20_000;
/** Files beyond those that are wanted, after which the oldest are let go of. */
const SORTED_AT_ONCE = 1_000;
/** The most that a search returns, whatever is asked for: it goes in one frame. */
const MAX_LIMIT = 5_000;

export interface Search {
  glob(call: GlobCall, signal: AbortSignal): Promise<SearchResult<string>>;
  grep(call: GrepCall, signal: AbortSignal): Promise<SearchResult<GrepMatch>>;
}

/** @param root the workspace, free of symbolic links */
export function ripgrepSearch(root: string): Search {
  return {
    async glob(call, signal) {
      const matches = globTest(call.pattern);
      using place = placeOf(root, call.path);
      const most = Math.min(call.limit, MAX_LIMIT);
      const found = newest(most + 1);
      const split = splitter([0], (name) => {
        const path = withoutDot(name);
        if (!isReadable(path) || !matches(path)) return;
        const at = modified(`${place.cwd}/${path}`);
        if (at !== undefined) found.add({ path, at });
      });
      const args = ['--files', ...COMMON_FLAGS, '--', place.target];
      await ripgrep(args, { cwd: place.cwd, signal }, (chunk) => {
        split(chunk);
        return true;
      });
      const paths = found.list().map(({ path }) => posix.join(place.prefix, path));
      return cut(paths, most);
    },
    async grep(call, signal) {
      using place = placeOf(root, call.path);
      const everything = await grepOnce(call, place, signal, { sorted: false, enough: MAX_UNORDERED });
      const matches =
        everything ?? (await grepOnce(call, place, signal, { sorted: true, enough: call.limit }));
      const ordered = (matches ?? []).sort((a, b) => compare(a.path, b.path) || a.line - b.line);
      return cut(ordered, call.limit);
    },
  };
}

interface Place extends Disposable {
  /** By its descriptor: what a command puts at its path meanwhile is not searched. */
  cwd: string;
  target: string;
  /** What makes a path relative to `cwd` relative to the workspace. */
  prefix: string;
}

/** Where to search: a folder, or one file. */
function placeOf(root: string, path = ''): Place {
  const real = locate(root, path);
  const stat = fs.statSync(real, { throwIfNoEntry: false });
  if (stat === undefined) throw fileFailure(Object.assign(new Error('no entry'), { code: 'ENOENT' }), path);
  const folder = stat.isDirectory() ? real : posix.dirname(real);
  const target = stat.isDirectory() ? './' : `./${posix.basename(real)}`;
  const fd = openedFolder(folder, path);
  return {
    cwd: descriptor(fd),
    target,
    prefix: posix.relative(root, folder),
    [Symbol.dispose]: () => fs.closeSync(fd),
  };
}

function openedFolder(folder: string, path: string): number {
  try {
    return openAt(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/**
 * One run of ripgrep.
 * @returns undefined where it had more than `enough` matches and order was not asked for
 */
async function grepOnce(
  call: GrepCall,
  place: Place,
  signal: AbortSignal,
  { sorted, enough }: { sorted: boolean; enough: number },
): Promise<GrepMatch[] | undefined> {
  const byName = call.glob !== undefined && isNameGlob(call.glob);
  const inGlob = call.glob === undefined || byName ? () => true : globTest(call.glob);
  const matches: GrepMatch[] = [];
  let path = '';
  let ends = 0;
  const split = splitter([0, 0x0a], (text) => {
    ends += 1;
    if (ends % 2 === 1) path = text;
    const match = ends % 2 === 1 ? undefined : parseMatch(path, text);
    if (match === undefined || !inGlob(match.path) || matches.length > enough) return;
    matches.push({ ...match, path: posix.join(place.prefix, match.path) });
  });
  const args = [
    ...COMMON_FLAGS,
    '--line-number',
    '--no-heading',
    '--with-filename',
    `--max-columns=${MAX_LINE}`,
    '--max-columns-preview',
    ...(sorted ? ['--sort=path'] : []),
    ...(call.ignoreCase ? ['--ignore-case'] : []),
    // A file type filters by name without overriding `.gitignore`, which `--glob` would.
    ...(byName ? [`--type-add=handoff:${call.glob}`, '--type=handoff'] : []),
    '--regexp',
    call.pattern,
    '--',
    place.target,
  ];
  const ran = await ripgrep(args, { cwd: place.cwd, signal }, (chunk) => {
    split(chunk);
    return matches.length <= enough;
  });
  if (ran.exitCode === 2 && matches.length === 0) await blamePattern(call.pattern, signal);
  return matches.length > enough && !sorted ? undefined : matches;
}

/** ripgrep says 2 for a bad pattern and for an unreadable file alike: on an empty input only the first can be. */
async function blamePattern(pattern: string, signal: AbortSignal): Promise<void> {
  const args = ['--no-config', '--regexp', pattern, '--', '/dev/null'];
  const { exitCode, complaint } = await ripgrep(args, { cwd: '/', signal }, () => true);
  if (exitCode === 2) {
    throw new SandboxError(
      'bad-pattern',
      `The regular expression is not valid. ripgrep says: ${complaint.trim()}`,
    );
  }
}

/**
 * A match as ripgrep prints it: a path, NUL, a line's number, a colon, its text. A remark on a binary file has no NUL and so
 * ends up before the next path.
 */
function parseMatch(before: string, after: string): GrepMatch | undefined {
  const path = before.slice(before.lastIndexOf('\n./') + 1).replace(/^\.\//, '');
  const colon = after.indexOf(':');
  const line = Number(after.slice(0, colon));
  if (colon < 1 || !Number.isSafeInteger(line) || !isReadable(path)) return undefined;
  const text = after.slice(colon + 1).replace(/\r$/, '');
  return { path, line, text: text.slice(0, MAX_LINE) };
}

/** Cuts bytes at separators, which take turns, and hands out the pieces as text. */
function splitter(separators: number[], onPiece: (text: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let turn = 0;
  const next = (bytes: Buffer, from: number): number =>
    bytes.indexOf(separators[turn % separators.length] ?? 0, from);
  return (chunk) => {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let to = next(all, 0); to !== -1; to = next(all, from)) {
      onPiece(all.toString('utf8', from, to));
      turn += 1;
      from = to + 1;
    }
    rest = all.subarray(from);
  };
}

function withoutDot(path: string): string {
  return path.startsWith('./') ? path.slice(2) : path;
}

/** Names that are not UTF-8 cannot be given back as text; they are left out. */
function isReadable(path: string): boolean {
  return !path.includes('\ufffd');
}

interface Dated {
  path: string;
  /** Milliseconds; when it was last modified. */
  at: number;
}

/** Collects files, of which it keeps the newest, then those that come first by path: a tree may have more than there is memory for. */
function newest(most: number): { add(file: Dated): void; list(): Dated[] } {
  let files: Dated[] = [];
  const list = (): Dated[] => {
    files = files.sort((a, b) => b.at - a.at || compare(a.path, b.path)).slice(0, most);
    return files;
  };
  return {
    add(file) {
      files.push(file);
      // Now and then only, so that the sorting stays cheap.
      if (files.length >= most + SORTED_AT_ONCE) list();
    },
    list,
  };
}

/** Milliseconds; undefined for what has gone meanwhile. What cannot be looked at, as its path is too long perhaps, counts as old. */
function modified(path: string): number | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return 0;
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function cut<Match>(matches: Match[], limit: number): SearchResult<Match> {
  const most = Math.min(limit, MAX_LIMIT);
  return { matches: matches.slice(0, most), truncated: matches.length > most };
}
