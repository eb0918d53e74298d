import type { RelayClient } from '../../protocol/client.ts';
import { unitStates, unitsOf } from '../../protocol/ledger.ts';
import type { Decision, FileChange, FileDecisions, UnitState } from '../../protocol/review.ts';
import { CliError, type Terminal, UsageError } from '../command.ts';
import { printable } from '../progress.ts';

export interface ReviewOptions {
  /** Each is `all`, a path, or a path and the beginning of a hunk's id behind a colon. */
  accept: string[];
  reject: string[];
  /** Takes a decision back. */
  undo: string[];
  json: boolean;
}

type Client = Pick<RelayClient, 'getTask' | 'changes' | 'patchReview'>;

/** As many digits of a hunk's id as are shown; fewer do where they are enough to tell hunks of a file apart. */
const SHOWN_ID = 8;
const MARKS: Record<UnitState, string> = { pending: ' ', accepted: 'x', rejected: '-' };

/** `tasks review <task>`: decides what is asked, then shows every change and what is decided of it. */
export async function reviewTask(
  connect: () => Promise<Client>,
  [taskId, ...more]: string[],
  { accept, reject, undo, json }: ReviewOptions,
  { out }: Terminal,
): Promise<void> {
  if (taskId === undefined || more.length > 0)
    throw new UsageError('tasks review needs one task: tasks review ID [--accept PATH[:HUNK]|all]');
  const client = await connect();
  const { revision, files } = await client.changes(taskId);
  const asked = [
    ...accept.map((what) => ({ what, state: 'accepted' as const })),
    ...reject.map((what) => ({ what, state: 'rejected' as const })),
    ...undo.map((what) => ({ what, state: 'pending' as const })),
  ];
  // Apart, for a request decides on a path in one way.
  for (const decisions of decisionsOf(files, asked))
    if (decisions.length > 0) await client.patchReview(taskId, { decisions });
  const decided = (await client.getTask(taskId)).review?.files ?? [];
  const shown = files.map((file) => ({ ...file, states: Object.fromEntries(unitStates(decided, file)) }));
  out(json ? `${JSON.stringify({ revision, files: shown })}\n` : describe(files, decided));
}

/**
 * The tree of all that is accepted, in the newest revision.
 * @throws {CliError} where nothing is
 */
export async function acceptedTree(client: Client, taskId: string): Promise<string> {
  const { review, proposal } = await client.getTask(taskId);
  if (proposal === undefined || !review?.files.some(({ accepted }) => accepted.length > 0)) {
    throw new CliError(
      'Nothing of the task is accepted yet.',
      `Accept it first: npm start -- tasks review ${taskId} --accept all`,
    );
  }
  if (review.revision === proposal.revision) return review.acceptedTree;
  return (await client.patchReview(taskId, { decisions: [] })).acceptedTree;
}

/** What was typed as decisions with ids, by state. Of what is named more than once, the last counts. */
function decisionsOf(files: FileChange[], asked: { what: string; state: UnitState }[]): Decision[][] {
  const states = new Map<FileChange, Map<string, UnitState>>();
  for (const { what, state } of asked) {
    for (const [file, hashes] of named(files, what)) {
      const units = states.get(file) ?? new Map<string, UnitState>();
      for (const hash of hashes) units.set(hash, state);
      states.set(file, units);
    }
  }
  const inOne = (state: UnitState): Decision[] =>
    [...states].flatMap(([{ path }, units]) => {
      const hashes = [...units].flatMap(([hash, other]) => (other === state ? [hash] : []));
      return hashes.length === 0 ? [] : [{ path, hashes, state }];
    });
  return [inOne('accepted'), inOne('rejected'), inOne('pending')];
}

function named(files: FileChange[], what: string): [FileChange, string[]][] {
  if (what === 'all') return files.map((file) => [file, unitsOf(file)]);
  const whole = files.find(({ path }) => path === what);
  if (whole) return [[whole, unitsOf(whole)]];
  const colon = what.lastIndexOf(':');
  const file = files.find(({ path }) => path === what.slice(0, Math.max(colon, 0)));
  if (file === undefined)
    throw new CliError(
      `The task changes no file ${what}.`,
      'Leave out --accept and --reject to see what it changes.',
    );
  const units = unitsOf(file).filter((hash) => hash.startsWith(what.slice(colon + 1)));
  if (units.length === 1) return [[file, units]];
  throw new CliError(
    `${file.path} has ${units.length === 0 ? 'no hunk' : 'several hunks'} ${what.slice(colon + 1)}.`,
    'Use an id as the review shows it.',
  );
}

/** Every unit on a line of its own: `[x]` accepted, `[-]` rejected, `[ ]` not decided. */
function describe(files: FileChange[], decided: FileDecisions[]): string {
  if (files.length === 0) return 'The task changes nothing.\n';
  const lines = files.flatMap((file) => {
    const states = unitStates(decided, file);
    const unit = (hash: string, what: string): string =>
      `  [${MARKS[states.get(hash) ?? 'pending']}] ${hash.slice(0, SHOWN_ID)}  ${what}`;
    return [
      `${file.path}  ${file.status}${file.binary ? ' (binary)' : ` +${file.additions} -${file.deletions}`}`,
      ...file.hunks.map(({ hash, oldStart, oldLines, newStart, newLines, reason }) =>
        unit(hash, `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@${reason ? `  ${reason}` : ''}`),
      ),
      ...(file.whole === undefined ? [] : [unit(file.whole, wholeWords(file))]),
    ];
  });
  const states = files.flatMap((file) => [...unitStates(decided, file).values()]);
  const count = (state: UnitState): number => states.filter((other) => other === state).length;
  const total = `${count('accepted')} accepted, ${count('rejected')} rejected, ${count('pending')} not decided`;
  return `${printable([...lines, '', total].join('\n'))}\n`;
}

function wholeWords({ hunks, oldMode, newMode }: FileChange): string {
  return hunks.length === 0 ? 'the whole file' : `mode ${oldMode} -> ${newMode}`;
}
