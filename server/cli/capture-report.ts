import type { Capture } from '../protocol/capture.ts';
import type { UncommittedFile } from '../protocol/capture-work.ts';
import { CliError } from './command.ts';
import { printable } from './progress.ts';

/** How many files are named one by one. */
const MOST_NAMED = 20;

/**
 * What of the uncommitted work travels with a task, and what stays and why. Empty where everything is committed.
 * @throws {CliError} where a path that was to be included is not among it
 */
export function captureReport(
  { sent, leftOut, nested }: Pick<Capture, 'sent' | 'leftOut' | 'nested'>,
  include: readonly string[],
): string {
  const unknown = include.find((path) => !sent.some((file) => file.path === path));
  if (unknown !== undefined) {
    throw new CliError(
      `--include ${unknown} is no uncommitted file.`,
      'Name it as `git status` in the top folder of the repository does.',
    );
  }
  const bytes = sent.reduce((sum, file) => sum + file.bytes, 0);
  const files = `${sent.length} uncommitted file${sent.length === 1 ? '' : 's'}`;
  const lines = [
    ...(sent.length === 0
      ? []
      : [`${files} (${size(bytes)}) of yours travel${sent.length === 1 ? 's' : ''} along:`]),
    ...listed(
      sent,
      ({ path, from, kind, isConflicted }) =>
        `  ${kind.padEnd(9)}  ${from === undefined ? '' : `${from} -> `}${path}${isConflicted ? ' (with its conflict)' : ''}`,
    ),
    ...(leftOut.length === 0 ? [] : ['Left out, for these look like secrets (--include PATH sends one):']),
    ...listed(leftOut, ({ path, secret }) => `  ${path}${secret === undefined ? '' : `  (${secret})`}`),
    ...(nested.length === 0
      ? []
      : [`Left out, for these are repositories of their own: ${nested.join(', ')}`]),
  ];
  return lines.length === 0 ? '' : `${lines.map(printable).join('\n')}\n`;
}

function listed(files: readonly UncommittedFile[], line: (file: UncommittedFile) => string): string[] {
  const more = files.length - MOST_NAMED;
  return [...files.slice(0, MOST_NAMED).map(line), ...(more > 0 ? [`  ... and ${more} more`] : [])];
}

/** `840 B`, `12 KB`, `3.4 MB`. */
function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
