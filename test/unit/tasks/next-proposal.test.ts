import assert from 'node:assert/strict';
import { userEditsText } from '../../../server/agent/user-edits.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import type { TaskState } from '../../../server/protocol/task.ts';
import { foundInWorkspace } from '../../../server/tasks/next-proposal.ts';

const [BASE, KNOWN, PERSONS, FOUND, MERGED] = ['0', '1', '2', '3', '4'].map((digit) => digit.repeat(40)) as [
  ...[string, string, string, string, string],
];
const STATE: TaskState = {
  ...emptyTask('t'),
  turns: [{ turnId: 'a', startedAt: 0, items: [] }],
  proposal: { revision: 2, baseTree: BASE, headTree: PERSONS, files: [] },
  workspaceTree: KNOWN,
};

/** What is told where the agent's work and the person's edits came to `tree`. */
const found = (tree: string, conflicts: string[]) =>
  foundInWorkspace(
    {
      changedFiles: async () => [],
      changedBlobs: async () => new Map(),
      async merge({ base, ours, theirs }) {
        assert.deepEqual([base, ours, theirs], [KNOWN, PERSONS, FOUND]);
        return { tree, conflicts };
      },
    },
    STATE,
    { baseTree: BASE, tree: FOUND, keys: 'k' },
  );

describe('what is found in a workspace after the person has edited the proposal', () => {
  const revision = { type: 'proposal.changed', revision: 3, baseTree: BASE, headTree: MERGED, files: [] };

  it('is merged into that, and nothing else is told where it goes together', async () => {
    assert.deepEqual(await found(MERGED, []), [
      { key: 'k', event: revision },
      { key: 'k:workspace', event: { type: 'workspace.set', headTree: FOUND } },
    ]);
  });

  it('is told with the files in which both had changed the same, also where nothing is left of the agent’s', async () => {
    const set = { type: 'workspace.set' as const, headTree: FOUND, conflicts: ['a.md'] };
    assert.deepEqual(await found(MERGED, ['a.md']), [
      { key: 'k', event: revision },
      { key: 'k:workspace', event: set },
    ]);
    assert.deepEqual(await found(PERSONS, ['a.md']), [{ key: 'k:workspace', event: set }]);

    const [turn] = reduce(STATE, { ...set, seq: 1, at: 5 }).turns;
    const text =
      'You and the agent have changed the same in "a.md". Look for conflict markers there; what cannot have any is as you left it.';
    assert.deepEqual(turn?.items, [{ kind: 'notice', level: 'warning', text, at: 5 }]);
  });

  it('is told the agent, too', () => {
    const edits = { text: '', isWhole: true };
    const text = userEditsText({ rejected: [], edits, unmerged: ['a.md'], update: undefined }, String);
    assert.match(
      String(text),
      /changed the same as they did in these\.[^\n]*:\n- "a\.md"\n\n<\/user_edits>$/,
    );
  });

  it('is told without what must not be shown, also where what was rejected is cut', () => {
    const hide = (text: string): string => text.replaceAll('token-4711', '[secret]');
    const after = [`${'w'.repeat(1_995)}token-4711\n`];
    const rejected = [{ path: 'a.md', startLine: 1, before: [], after }];
    const edits = { text: '+token-4711\n', isWhole: true };
    const text = userEditsText({ rejected, edits, unmerged: [], update: undefined }, hide);
    assert.deepEqual(String(text).split('\n').slice(4, 11), [
      'They rejected these changes of yours, and they are out of the files (lines as you had them):',
      '',
      '"a.md", line 1',
      `+${'w'.repeat(1_995)}[sec`,
      '[cut]',
      '',
      'They edited the files themselves, from what you left to what is there now:',
    ]);
    assert.ok(String(text).includes('\n+[secret]\n'));
  });
});
