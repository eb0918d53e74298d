import assert from 'node:assert/strict';
import { namedChanges, namedConflicts } from '../../../../server/agent/agents/named-paths.ts';
import { type Ending, resultText } from '../../../../server/agent/agents/result-text.ts';

const [TREE, BLOB] = ['1'.repeat(40), '2'.repeat(40)];
const merged = (changed: string[], conflicts: string[] = [], isDiscarded = false) => ({
  changed,
  conflicts,
  isDiscarded,
});
const executor = (changed: string[], checks: { outcome: 'passed' | 'failed'; output: string }[] = []) => ({
  kind: 'executor' as const,
  summary: 'It is built.',
  changed,
  treeBefore: TREE,
  treeAfter: TREE,
  checks: checks.map((check) => ({ command: 'npm test', ...check })),
});

const MANY = Array.from({ length: 20_000 }, (_, n) => `generated/${n}.ts`);
const FIRST = MANY.slice(0, 100)
  .map((path) => `- ${path}`)
  .join('\n');

const TEXTS: [string, Ending, string][] = [
  [
    'an answer with its evidence',
    {
      kind: 'explorer',
      outcome: 'completed',
      result: {
        kind: 'explorer',
        summary: 'One place.',
        answer: 'In a.ts.',
        evidence: [
          { path: 'a.ts', startLine: 3, endLine: 3, blob: BLOB },
          { path: 'b.ts', startLine: 1, endLine: 9, blob: BLOB },
        ],
      },
    },
    'One place.\n\nIn a.ts.\n\nEvidence:\n- a.ts:3\n- b.ts:1-9',
  ],
  [
    'work with its checks',
    {
      kind: 'executor',
      outcome: 'completed',
      result: executor(
        ['a.ts', 'b.ts'],
        [
          { outcome: 'passed', output: '' },
          { outcome: 'failed', output: '1 failed\nat b.ts\n' },
        ],
      ),
      merged: merged(['a.ts', 'b.ts']),
    },
    'It is built.\n\nChanged:\n- a.ts\n- b.ts\n\nChecks:\n- passed: npm test\n- failed: npm test\n  1 failed\n  at b.ts',
  ],
  [
    'work in conflict',
    {
      kind: 'executor',
      outcome: 'completed',
      result: executor(['a.ts']),
      merged: merged(['a.ts'], ['a.ts']),
    },
    'It is built.\n\nChanged:\n- a.ts\n\nIt ran no checks.\n\nIn conflict with what was done meanwhile; look for conflict markers there, and settle them:\n- a.ts',
  ],
  [
    'more work than anybody reads, by how much there is',
    {
      kind: 'executor',
      outcome: 'completed',
      result: { ...executor([]), ...namedChanges(MANY) },
      merged: { ...namedChanges(MANY), ...namedConflicts(MANY), isDiscarded: false },
    },
    `It is built.\n\nChanged:\n${FIRST}\n- and 19900 more\n\nIt ran no checks.\n\nIn conflict with what was done meanwhile; look for conflict markers there, and settle them:\n${FIRST}\n- and 19900 more`,
  ],
  [
    'much kept work of which all is named',
    { kind: 'executor', outcome: 'failed', error: { message: 'Away.' }, merged: merged(MANY) },
    `[failed] Away. What it had changed is kept: ${MANY.slice(0, 100).join(', ')}, and 19900 more.`,
  ],
  [
    'a review',
    {
      kind: 'reviewer',
      outcome: 'completed',
      result: {
        kind: 'reviewer',
        summary: 'Two flaws.',
        findings: [{ path: 'a.ts', startLine: 3, endLine: 4, severity: 'blocker', text: 'Never ends.' }],
      },
    },
    'Two flaws.\n\nFindings:\n- a.ts:3-4 (blocker): Never ends.',
  ],
  [
    'a review that found nothing',
    { kind: 'reviewer', outcome: 'completed', result: { kind: 'reviewer', summary: 'Good.', findings: [] } },
    'Good.\n\nIt found nothing wrong.',
  ],
  ['a stop', { kind: 'explorer', outcome: 'stopped' }, '[stopped by the person]'],
  [
    'a stop of one who wrote',
    { kind: 'executor', outcome: 'stopped', merged: merged(['a.ts'], [], true) },
    '[stopped by the person] Nothing of what it changed is in the workspace.',
  ],
  [
    'a failure whose work is kept',
    {
      kind: 'executor',
      outcome: 'failed',
      error: { message: 'The model is away.' },
      merged: merged(['a.ts', 'b.ts'], ['b.ts']),
    },
    '[failed] The model is away. What it had changed is kept: a.ts, b.ts.\n\nIn conflict with what was done meanwhile; look for conflict markers there, and settle them:\n- b.ts',
  ],
  [
    'work that could not be brought home',
    {
      kind: 'executor',
      outcome: 'failed',
      error: { message: 'The sandbox was lost.' },
      result: executor(['a.ts', 'b.ts'], [{ outcome: 'passed', output: '' }]),
    },
    `[failed] The sandbox was lost. What it changed is not in the workspace, or only a part of it: look before you go on. All of it is kept beside the task, for the person, as the tree ${TREE}:\n- a.ts\n- b.ts\n\nIt is built.`,
  ],
  [
    'what there was of work without an end that could not be brought home either',
    {
      kind: 'executor',
      outcome: 'timed_out',
      error: { message: 'It was slow.' },
      result: { ...executor(['a.ts']), summary: '' },
    },
    `[out of time] It was slow. What it changed is not in the workspace, or only a part of it: look before you go on. All of it is kept beside the task, for the person, as the tree ${TREE}:\n- a.ts`,
  ],
  [
    'a failure that had made nothing',
    { kind: 'executor', outcome: 'over_budget', error: { message: 'Used up.' }, merged: merged([]) },
    '[over its budget] Used up. It had changed nothing.',
  ],
];

describe('what a parent reads of a subagent', () => {
  for (const [what, ending, text] of TEXTS) {
    it(`tells of ${what}`, () => assert.equal(resultText(ending), text));
  }

  it('is of paths all where they can be read, and the first and their number where not', () => {
    assert.deepEqual(namedChanges(['a.ts']), { changed: ['a.ts'] });
    assert.deepEqual(namedChanges(MANY), { changed: MANY.slice(0, 100), changedCount: 20_000 });
    assert.deepEqual(namedConflicts([]), { conflicts: [] });
    assert.deepEqual(namedConflicts(MANY), { conflicts: MANY.slice(0, 100), conflictCount: 20_000 });
  });
});
