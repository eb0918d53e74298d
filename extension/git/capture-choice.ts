import type { CaptureOptions } from '../../server/protocol/capture.ts';
import type { UncommittedFile } from '../../server/protocol/capture-work.ts';

/** When the person is asked what travels: every time, where something new looks like a secret, or never. */
export type PreviewMode = 'always' | 'secrets' | 'never';

/**
 * What the person decided by path, before: sent or left. What is not in it is sent unless it looks like a secret.
 * Paths only; never what is in the files.
 */
export type Ticks = Readonly<Record<string, boolean>>;

/** How many paths are remembered of a repository. */
const MOST_REMEMBERED = 500;

export const isTicked = ({ path, secret }: UncommittedFile, ticks: Ticks): boolean =>
  Object.hasOwn(ticks, path) ? ticks[path] === true : secret === undefined;

/** Whether the person has to look before anything is sent. */
export function mustAsk(mode: PreviewMode, files: readonly UncommittedFile[], ticks: Ticks): boolean {
  if (mode === 'always') return files.length > 0;
  if (mode === 'never') return false;
  return files.some(({ path, secret }) => secret !== undefined && !Object.hasOwn(ticks, path));
}

/** What to ask of a capture. A renaming that is left out is left out at both its ends. */
export function captureChoice(
  files: readonly UncommittedFile[],
  ticks: Ticks,
): Required<Pick<CaptureOptions, 'include' | 'exclude'>> {
  const left = files.filter((file) => !isTicked(file, ticks));
  return {
    include: files
      .filter((file) => isTicked(file, ticks) && file.secret !== undefined)
      .map(({ path }) => path),
    exclude: left.flatMap(({ path, from }) => (from === undefined ? [path] : [path, from])),
  };
}

/** With what the person ticked now. What goes without saying is not remembered; the latest decisions are last, and stay longest. */
export function withTicked(
  ticks: Ticks,
  files: readonly UncommittedFile[],
  ticked: ReadonlySet<string>,
): Ticks {
  const shown = new Set(files.map(({ path }) => path));
  const before = Object.entries(ticks).filter(([path]) => !shown.has(path));
  const now = files
    .filter(({ path, secret }) => secret !== undefined || !ticked.has(path))
    .map(({ path }): [string, boolean] => [path, ticked.has(path)]);
  return Object.fromEntries([...before, ...now].slice(-MOST_REMEMBERED));
}

/** In a few words: how many files travel, of how many bytes, and how many stay. */
export interface WorkSummary {
  files: number;
  bytes: number;
  left: number;
}

export function summaryOf(files: readonly UncommittedFile[], ticks: Ticks): WorkSummary {
  const sent = files.filter((file) => isTicked(file, ticks));
  return {
    files: sent.length,
    bytes: sent.reduce((sum, { bytes }) => sum + bytes, 0),
    left: files.length - sent.length,
  };
}
