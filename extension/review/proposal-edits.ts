import { RelayError } from '../../server/protocol/client.ts';
import { compose } from '../../server/protocol/compose.ts';
import { type Segment, segments } from '../../server/protocol/hunks.ts';
import { mergeText } from '../../server/protocol/merge.ts';
import type { FileChange } from '../../server/protocol/review.ts';
import { ExpectedError } from '../ui/failure.ts';
import { type Contents, digest, keptIn, textOf } from './contents.ts';
import { decideParts } from './decisions.ts';
import { unitsIn, withEndsOf } from './kept.ts';
import { rejectedOf } from './outline.ts';
import type { Review, ReviewSession } from './session.ts';

/** How often a proposal may go on while the person's edit is on its way. */
const MOST_TRIES = 3;

/**
 * What a written proposal document means. Changes that are gone, or back, with nothing new beside them are decisions, as the arrow
 * between the sides of a diff makes them; anything else is the person's own edit, and becomes the next revision.
 */
export function createProposalEdits({ session, contents }: { session: ReviewSession; contents: Contents }) {
  /** Kept changes that were taken out in a document, by path: putting them back there keeps them again. */
  const wereKept = new Map<string, Set<string>>();

  const fileIn = (review: Review, path: string): FileChange => {
    const file = review.changes.files.find((candidate) => candidate.path === path);
    if (file && file.hunks.length > 0) return file;
    throw new ExpectedError(
      'conflict',
      `${path} is no longer a text that the agent proposes.`,
      'Copy your text elsewhere, then open the review again.',
    );
  };

  async function shownText(review: Review, file: FileChange): Promise<string> {
    return textOf(await contents.shown(review.taskId, file, review.decided)) ?? '';
  }

  /** @param seen what the document showed before it was changed */
  async function write(taskId: string, path: string, seen: string, written: Uint8Array): Promise<void> {
    let text = textOf(written);
    if (text === undefined)
      throw new ExpectedError(
        'bad_request',
        `${path} is not UTF-8 any more.`,
        'Save it with encoding UTF-8.',
      );
    let from = seen;
    for (let tries = 1; ; tries++) {
      const review = await session.of(taskId);
      const file = fileIn(review, path);
      const now = await shownText(review, file);
      text = withEndsOf(from, text);
      if (now !== from) {
        const merged = mergeText(from, text, now, { ours: 'Yours', theirs: 'The newest proposal' });
        if (merged.conflicts > 0) throw changedBelow(path);
        [text, from] = [merged.text, now];
      }
      if (text === now) return;
      try {
        await record(review, file, text);
        return;
      } catch (error) {
        const isMoved =
          (error instanceof RelayError || error instanceof ExpectedError) &&
          error.code === 'revision_changed';
        if (!isMoved || tries === MOST_TRIES) throw error;
        await session.load(taskId);
      }
    }
  }

  async function record(review: Review, file: FileChange, text: string): Promise<void> {
    const { taskId } = review;
    const { path } = file;
    const { proposal, base, runs } = await contents.texts(taskId, file);
    const rejected = rejectedOf(review.decided, path);
    const units = unitsIn(runs, text);
    if (units) {
      const hashes = file.hunks.map(({ hash }) => hash);
      const gone = hashes.filter((hash) => !units.has(hash) && !rejected.has(hash));
      const back = hashes.filter((hash) => units.has(hash) && rejected.has(hash));
      const kept = keptOf(review, path);
      const accepted = new Set(review.decided.find((decided) => decided.path === path)?.accepted);
      await session.decide(taskId, () => [
        ...decideParts([{ path, hashes: gone }], 'rejected'),
        ...decideParts([{ path, hashes: back.filter((hash) => !kept.has(hash)) }], 'pending'),
        ...decideParts([{ path, hashes: back.filter((hash) => kept.has(hash)) }], 'accepted'),
      ]);
      for (const hash of back) kept.delete(hash);
      for (const hash of gone) if (accepted.has(hash)) kept.add(hash);
      return;
    }
    const shown = compose(runs, keptIn(runs, rejected));
    const whole = mergeText(shown, text, proposal, { ours: '', theirs: '' });
    // What was rejected stays in the proposal, to be brought back, unless the person wrote into the midst of it.
    const next = segments(base, whole.text, digest);
    const isSame = whole.conflicts === 0 && compose(next, keptIn(next, rejected)) === text;
    if (!isSame) {
      const written = unitHashes(segments(base, text, digest));
      const back = file.hunks
        .map(({ hash }) => hash)
        .filter((hash) => rejected.has(hash) && written.has(hash));
      // The relay cannot tell what the person wrote again from what lies hidden there.
      await session.decide(taskId, () => decideParts([{ path, hashes: back }], 'pending'));
    }
    const content = Buffer.from(isSame ? whole.text : text);
    await session.edit(taskId, { revision: review.changes.revision, path, content });
  }

  function keptOf({ taskId }: Review, path: string): Set<string> {
    const key = `${taskId}:${path}`;
    const kept = wereKept.get(key) ?? new Set<string>();
    wereKept.set(key, kept);
    return kept;
  }

  return { write };
}

const unitHashes = (runs: Segment[]): Set<string> =>
  new Set(runs.flatMap((run) => (run.kind === 'changed' ? [run.hash] : [])));

function changedBelow(path: string): ExpectedError {
  return new ExpectedError(
    'revision_changed',
    `The agent changed the same lines of ${path} in the meantime. Your text is kept in the editor.`,
    'Copy what you want to keep, revert the file to see the newest proposal, and put it in there.',
  );
}
