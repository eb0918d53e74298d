import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { AppError } from '../../../server/errors.ts';
import { restoreWorkspace } from '../../../server/repo/restore.ts';
import { noteWork, settingOf } from '../../../server/repo/set-workspace.ts';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { captureProposal, checkoutInto } from '../../../server/repo/workspace.ts';
import { directorySandbox } from './directory-sandbox.ts';
import { contents, makeClone, repoDeps, temporaryFolder, writeFiles } from './repositories.ts';

async function room(folder: string) {
  const taskId = 'restored';
  const deps = repoDeps(folder);
  const { commit, url } = makeClone(folder, {
    'crlf.txt': 'one\r\ntwo\r\n',
    'bin/run': { exec: '#!/bin/sh\n' },
    link: { link: 'crlf.txt' },
    'deep/er/file': 'x',
    '.gitattributes': '*.txt text eol=lf\n',
    '.gitignore': 'out/\n',
  });
  const { baseTree } = await prepareSource(deps, { taskId, source: { url, commit, overlay: [] } });
  const sandbox = directorySandbox(path.join(folder, 'sandbox'));
  await checkoutInto(sandbox, { taskId, bundle: await startBundle(deps, taskId), branch: 'main' });
  const capture = async (previousTree: string) =>
    (await captureProposal(deps, sandbox, { taskId, previousTree })).headTree;
  const inside = (command: string): string =>
    execFileSync('bash', ['-c', command], { cwd: sandbox.workdir, encoding: 'utf8' });
  return { sandbox, capture, inside, baseTree, repo: path.join(deps.reposDir, `${taskId}.git`) };
}

describe('putting a workspace back to what was captured', () => {
  it('restores every byte and mode, removes what came since, and leaves ignored files alone', async () => {
    using folder = temporaryFolder();
    const { sandbox, capture, inside, baseTree, repo } = await room(folder.path);
    writeFiles(sandbox.workdir, { 'work.txt': 'mine\r\n', 'deep/er/file': null, 'deep/other': 'y' });
    const mine = await capture(baseTree);
    const before = inside('find . -path ./.git -prune -o -printf "%p %y %m %l\\n" | sort');

    writeFiles(sandbox.workdir, {
      'crlf.txt': 'one\ntwo\n',
      'work.txt': null,
      bin: 'a file where a folder was\n',
      link: 'no link\n',
      'deep/other': null,
      'new/folder/file': 'n',
    });
    inside(
      'mkdir -p out deep/other/now; echo z > deep/other/now/file; echo kept > out/cache; chmod +x .gitignore; rm -rf .git/refs',
    );
    const theirs = await capture(mine);
    assert.notEqual(theirs, mine);

    await restoreWorkspace(sandbox, mine);
    const after = inside('rm -r out; find . -path ./.git -prune -o -printf "%p %y %m %l\\n" | sort');
    assert.equal(after, before);
    assert.equal(await capture(theirs), mine);
    assert.equal(contents(repo, mine)['crlf.txt'], '100644 one\r\ntwo\r\n');
    assert.equal(inside('cat crlf.txt work.txt'), 'one\r\ntwo\r\nmine\r\n');
  });

  it('does nothing where it is late: a turn that works there has noted so', async () => {
    using folder = temporaryFolder();
    const { sandbox, capture, inside, baseTree } = await room(folder.path);
    const note = await settingOf(sandbox);
    await noteWork(sandbox, 'second');
    writeFiles(sandbox.workdir, { 'work.txt': 'of the second turn\n' });
    await capture(baseTree);
    await assert.rejects(restoreWorkspace(sandbox, baseTree, { note }), /given to another turn meanwhile/);
    assert.equal(inside('cat work.txt'), 'of the second turn\n');
    assert.equal(await settingOf(sandbox), 'second working');
    await restoreWorkspace(sandbox, baseTree, { note: 'second working' });
    assert.equal(inside('ls'), 'bin\ncrlf.txt\ndeep\nfirst.txt\nlink\n');
  });

  it('says so where it cannot, in words that help', async () => {
    using folder = temporaryFolder();
    const { sandbox } = await room(folder.path);
    await assert.rejects(
      restoreWorkspace(sandbox, '1'.repeat(40)),
      (error) =>
        error instanceof AppError &&
        error.code === 'sandbox_unavailable' &&
        /could not be put back\. fatal: /.test(error.message),
    );
  });
});
