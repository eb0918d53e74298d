import type { FileChange } from '../protocol/review.ts';
import { isGenerated } from '../review/generated.ts';
import { importsOf } from '../review/imports.ts';
import { type Readable, readingOrder } from '../review/reading-order.ts';
import { reasonsFor, type Why } from '../review/reasons.ts';
import { riskOf } from '../review/risk.ts';
import { generatedByAttribute } from './attributes.ts';
import { describeChange } from './changes.ts';
import { eachContent, type FileContent, type RecentRuns } from './contents.ts';
import { GitError } from './git.ts';
import { type RawChange, rawChanges } from './raw-changes.ts';
import { createRecent } from './recent.ts';
import { findRenames } from './renames.ts';
import type { RepoDeps } from './repository.ts';

/** Files and hunks that are remembered, of all tasks together: some 20 MB. */
const REMEMBERED = 50_000;

/** What differs between two trees as a person reads it: see `createReading`. */
export type ReadChanges = (
  taskId: string,
  baseTree: string,
  headTree: string,
  whys: readonly Why[],
) => Promise<FileChange[]>;

/**
 * What `listChanges` says, in the order of reading, with risk, renames, what is generated, and the agent's reasons. It is all a function of
 * what is asked, so what was found out last is remembered: reviews ask for the same again and again.
 */
export function createReading(deps: RepoDeps & { runs?: RecentRuns }): ReadChanges {
  const recent = createRecent<FileChange[]>(REMEMBERED, (files) =>
    files.reduce((sum, { hunks }) => sum + 1 + hunks.length, 1),
  );
  return async (taskId, baseTree, headTree, whys) => {
    // A task's calls only ever grow in number, or are cut off at one of them.
    const key = JSON.stringify([taskId, baseTree, headTree, whys.at(-1)?.callId]);
    const known = recent.get(key);
    if (known !== undefined) return known;
    const files = await read(deps, taskId, baseTree, headTree, whys);
    recent.set(key, files);
    return files;
  };
}

async function read(
  deps: Parameters<typeof createReading>[0],
  taskId: string,
  baseTree: string,
  headTree: string,
  whys: readonly Why[],
): Promise<FileChange[]> {
  const raw = await rawChanges(deps, taskId, baseTree, headTree);
  if (raw.length === 0) return [];
  const mayBeMoved = raw.some(({ oldOid }) => oldOid === null) && raw.some(({ newOid }) => newOid === null);
  const [renames, attributes] = await Promise.all([
    mayBeMoved ? findRenames(deps, taskId, baseTree, headTree) : new Map<string, string>(),
    saidOf(
      deps,
      taskId,
      baseTree,
      raw.map(({ path }) => path),
    ),
  ]);
  const movedTo = new Map([...renames].map(([after, before]) => [before, after]));
  const files: Readable[] = [];
  const visit = (change: RawChange, content: FileContent): void => {
    const described = describeChange(change, content);
    const { path, hunks } = described;
    const { before, after } = sidesOf(content);
    const generated = isGenerated({
      path,
      attribute: attributes.get(path),
      before: change.oldOid === null ? undefined : before,
      after: change.newOid === null ? undefined : after,
    });
    const reasons = reasonsFor(path, content.kind === 'text' ? content.runs : [], whys);
    const renamedFrom = renames.get(path);
    files.push({
      change: {
        ...described,
        hunks: hunks.map((hunk) => {
          const reason = reasons.get(hunk.hash);
          return reason === undefined ? hunk : { ...hunk, reason };
        }),
        risk: generated
          ? { level: 'low', why: ['generated'] }
          : riskOf({ ...described, renamedTo: movedTo.get(path) }),
        ...(generated ? { generated } : {}),
        ...(renamedFrom === undefined ? {} : { renamedFrom }),
      },
      imports: generated ? [] : importsOf(path, after ?? ''),
    });
  };
  await eachContent(deps, taskId, raw, visit, { runs: deps.runs });
  return readingOrder(files);
}

/** Looking may need room on the disk; a review that lacks this much is better than none. */
async function saidOf(...asked: Parameters<typeof generatedByAttribute>): Promise<Map<string, boolean>> {
  return generatedByAttribute(...asked).catch((error: unknown) => {
    if (error instanceof GitError) return new Map<string, boolean>();
    throw error;
  });
}

function sidesOf(content: FileContent): { before?: string; after?: string } {
  if (content.kind !== 'text') return {};
  const side = (pick: 'before' | 'after'): string =>
    content.runs.map((run) => (run.kind === 'same' ? run.lines : run[pick]).join('')).join('');
  return { before: side('before'), after: side('after') };
}
