import assert from 'node:assert/strict';
import { readHandbookFiles } from '../../../server/handbook/handbook-files.ts';
import { HANDBOOK_LIMITS } from '../../../server/handbook/limits.ts';
import { type Files, makeProposal, temporaryFolder } from '../repo/repositories.ts';

describe('the files of a handbook', function () {
  this.timeout(30_000);

  it('of this product are read before those of others, of each kind as many as can count twice over', async () => {
    using folder = temporaryFolder();
    const theirs: Files = {};
    const most = 2 * HANDBOOK_LIMITS.commands;
    for (let count = 0; count < most + 4; count += 1) theirs[`.claude/commands/${count}.md`] = 'theirs';
    const { deps, taskId, baseTree } = await makeProposal(
      folder.path,
      {
        ...theirs,
        '.claude/skills/tidy/SKILL.md': 'tidy',
        '.claude/skills/tidy/notes.md': 'beside',
        '.handoff/commands/ours.md': 'ours',
        '.handoff/skills/ship/SKILL.md': 'ship',
        '.handoff/agents/db.md': 'db',
        '.handoff/agents/deeper/no.md': 'none',
      },
      {},
    );
    const { files, beside, leftOut, isTooLong } = await readHandbookFiles(deps, taskId, baseTree);
    assert.deepEqual(
      files.slice(0, 4).map(({ path, content }) => [path, 'text' in content && content.text]),
      [
        ['.handoff/agents/db.md', 'db'],
        ['.handoff/skills/ship/SKILL.md', 'ship'],
        ['.claude/skills/tidy/SKILL.md', 'tidy'],
        ['.handoff/commands/ours.md', 'ours'],
      ],
    );
    assert.deepEqual([files.length, leftOut, isTooLong], [3 + most, { commands: 5 }, false]);
    assert.deepEqual(
      [...beside],
      ['.claude/skills/tidy/SKILL.md', '.claude/skills/tidy/notes.md', '.handoff/skills/ship/SKILL.md'],
    );
  });
});
