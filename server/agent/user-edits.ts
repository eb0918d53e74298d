import type { RejectedUnit } from '../repo/kept-tree.ts';

/** What the person made of the agent's work since it worked last. */
export interface UserEdits {
  rejected: readonly RejectedUnit[];
  /** A unified diff of what they edited themselves; `isWhole` is false where it was cut. */
  edits: { text: string; isWhole: boolean };
  /** Paths where their edits and the agent's work did not go together. */
  unmerged: readonly string[];
  /** Set where the repository was brought up to a newer commit. */
  update: { commit: string; conflicts: readonly string[] } | undefined;
}

/** Characters of rejected text that are told, in all and of one part, and paths of conflicts. */
const REJECTED_MOST = 12_000;
const UNIT_MOST = 2_000;
const CONFLICTS_MOST = 100;

/**
 * The same as the model reads it; undefined where there is nothing to tell.
 * @param hide strikes out what must not be shown: files as the relay has them hold what an agent wrote down
 */
export function userEditsText(
  { rejected, edits, unmerged, update }: UserEdits,
  hide: (text: string) => string,
): string | undefined {
  const parts = [
    ...(rejected.length === 0 ? [] : [rejectedText(rejected, hide)]),
    ...(edits.text === '' ? [] : [editsText(edits)]),
    ...(unmerged.length === 0 ? [] : [unmergedText(unmerged)]),
    ...(update === undefined ? [] : [updateText(update)]),
  ];
  if (parts.length === 0) return undefined;
  const head =
    'The person has changed the workspace since you worked last. Do not undo this, and do not redo what they took out: build on it.';
  const text = ['<user_edits>', head, ...parts, '</user_edits>'].join('\n\n');
  // What no database and no model takes.
  return hide(text.replaceAll('\0', '\ufffd').toWellFormed());
}

function rejectedText(rejected: readonly RejectedUnit[], hide: (text: string) => string): string {
  let room = REJECTED_MOST;
  const told = rejected.map((unit) => {
    const place = `${JSON.stringify(unit.path)}${linesOf(unit)}`;
    // Before it is cut, for half a secret is not found.
    const diff = hide(diffOf(unit));
    const text = room <= 0 ? '' : diff.slice(0, Math.min(room, UNIT_MOST));
    room -= text.length;
    const isCut = text.length < diff.length;
    return [place, withoutEnd(text), isCut ? '[cut]' : ''].filter(Boolean).join('\n');
  });
  return `They rejected these changes of yours, and they are out of the files (lines as you had them):\n\n${told.join('\n\n')}`;
}

function linesOf({ startLine, after }: RejectedUnit): string {
  if (startLine === undefined) return ', the change as a whole';
  return after.length <= 1
    ? `, line ${startLine}`
    : `, lines ${startLine} to ${startLine + after.length - 1}`;
}

const diffOf = ({ before, after }: RejectedUnit): string =>
  [...before.map((line) => `-${line}`), ...after.map((line) => `+${line}`)]
    .map((line) => (line.endsWith('\n') ? line : `${line}\n`))
    .join('');

/** Spaces at the end of a line are part of what changed. */
const withoutEnd = (text: string): string => text.replace(/\n$/, '');

function editsText({ text, isWhole }: UserEdits['edits']): string {
  const rest = isWhole ? '' : '\n[cut: they edited more than this; read a file before you change it]';
  return `They edited the files themselves, from what you left to what is there now:\n\n${withoutEnd(text)}${rest}`;
}

function updateText({ commit, conflicts }: NonNullable<UserEdits['update']>): string {
  const moved = `The repository was brought up to the newer commit ${commit}, with your work on top of it. Read files again before you change them.`;
  if (conflicts.length === 0) return moved;
  return `${moved} Both sides had changed these, and text among them has conflict markers to be resolved:\n${listed(conflicts)}`;
}

const unmergedText = (paths: readonly string[]): string =>
  `You had changed the same as they did in these. Text among them has conflict markers to be resolved, unless they did that; all else is as they left it:\n${listed(paths)}`;

function listed(paths: readonly string[]): string {
  const some = paths.slice(0, CONFLICTS_MOST).map((path) => `- ${JSON.stringify(path)}`);
  if (paths.length > some.length) some.push(`- and ${paths.length - some.length} more`);
  return some.join('\n');
}
