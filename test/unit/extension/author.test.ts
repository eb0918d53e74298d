import assert from 'node:assert/strict';
import { authorIn } from '../../../extension/git/author.ts';
import { Cancelled } from '../../../extension/ui/failure.ts';
import { git, makeClone, temporaryFolder } from '../repo/repositories.ts';

describe('who commits', () => {
  it('is said by the task’s own repository, and by no other where that is not here', async () => {
    using folder = temporaryFolder();
    const { clone: root } = makeClone(folder.path, { 'a.txt': 'a\n' });
    git(root, ['config', 'user.name', 'Ada']);
    git(root, ['config', 'user.email', 'ada@example.com']);
    const ada = { name: 'Ada', email: 'ada@example.com' };
    assert.deepEqual(await authorIn(async () => ({ root, gitPath: 'git' })), ada);
    assert.equal(await authorIn(() => Promise.reject(new Error('it is not here'))), undefined);
    await assert.rejects(
      authorIn(() => Promise.reject(new Cancelled())),
      Cancelled,
    );
  });
});
