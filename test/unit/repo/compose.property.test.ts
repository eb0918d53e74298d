import assert from 'node:assert/strict';
import fc from 'fast-check';
import { splitLines } from '../../../server/protocol/hunks.ts';
import { unitsOf } from '../../../server/protocol/ledger.ts';
import type { FileChange } from '../../../server/protocol/review.ts';
import { listChanges } from '../../../server/repo/changes.ts';
import { composeTree } from '../../../server/repo/compose-tree.ts';
import { someText } from '../protocol/texts.ts';
import { cases, seeded } from '../review/properties.ts';
import { type Content, contents, type Files, makeProposal, temporaryFolder } from './repositories.ts';

/** Each a commit, a fetch and a dozen of Git processes. */
const RUNS = 12;
const NAMES = ['a', 'b/c.txt', 'd ü\n"', '-x', 'e.bin', '.hidden/f', 'g', 'h'];

const lines = fc.array(fc.constantFrom('one\n', 'two\r\n', 'three\n', '\n', 'end'), { maxLength: 12 });
const someContent: fc.Arbitrary<Content> = fc.oneof(
  { arbitrary: lines.map((some) => some.join('')), weight: 4 },
  { arbitrary: lines.map((some) => ({ exec: some.join('') })), weight: 3 },
  { arbitrary: someText, weight: 1 },
  { arbitrary: fc.uint8Array({ maxLength: 20 }), weight: 1 },
  { arbitrary: fc.constantFrom('target', 'other').map((link) => ({ link })), weight: 1 },
  { arbitrary: fc.constant(null), weight: 2 },
);
const someFiles = fc
  .tuple(...NAMES.map(() => someContent))
  .map((found): Files => Object.fromEntries(NAMES.map((name, index) => [name, found[index] ?? null])));

/** What a path has with these units, made by hand: `mode content`; undefined where nothing is. */
function expected(
  { hunks, whole, oldMode, newMode, ...change }: FileChange,
  taken: ReadonlySet<string>,
  before: string | undefined,
  after: string | undefined,
): string | undefined {
  if (taken.size === 0) return before;
  if (taken.size === unitsOf({ hunks, ...(whole === undefined ? {} : { whole }) }).length) return after;
  assert.ok(change.status === 'modified' && before !== undefined && after !== undefined);
  const [old, now] = [before, after].map((entry) => splitLines(entry.slice(entry.indexOf(' ') + 1)));
  assert.ok(old && now);
  for (const hunk of hunks.toReversed()) {
    if (!taken.has(hunk.hash)) continue;
    const { oldStart, oldLines, newStart, newLines } = hunk;
    const added = newLines === 0 ? [] : now.slice(newStart - 1, newStart - 1 + newLines);
    old.splice(oldLines === 0 ? oldStart : oldStart - 1, oldLines, ...added);
  }
  return `${whole !== undefined && taken.has(whole) ? newMode : oldMode} ${old.join('')}`;
}

describe('accepted trees', function () {
  this.timeout(120_000);

  it(seeded('have of every file exactly the chosen units, whatever kind it is', RUNS), () =>
    fc.assert(
      fc.asyncProperty(someFiles, someFiles, fc.infiniteStream(fc.nat(2)), async (base, head, choices) => {
        using folder = temporaryFolder();
        const { deps, taskId, baseTree, headTree, repo } = await makeProposal(folder.path, base, head);
        const changes = await listChanges(deps, taskId, baseTree, headTree);
        const units = new Map(
          changes.map((change) => [
            change.path,
            new Set(unitsOf(change).filter(() => choices.next().value > 0)),
          ]),
        );
        const { tree, leftOut } = await composeTree(deps, { taskId, baseTree, headTree, units });
        const [atBase, atHead] = [contents(repo, baseTree), contents(repo, headTree)];
        const wanted = { ...atBase };
        for (const change of changes) {
          const { path } = change;
          const entry = expected(change, units.get(path) ?? new Set(), atBase[path], atHead[path]);
          if (entry === undefined) delete wanted[path];
          else wanted[path] = entry;
        }
        assert.deepEqual(contents(repo, tree), wanted);
        assert.deepEqual(leftOut, []);
      }),
      cases(RUNS),
    ),
  );
});
