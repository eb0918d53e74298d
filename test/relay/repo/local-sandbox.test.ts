import assert from 'node:assert/strict';
import path from 'node:path';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { captureProposal, checkoutInto } from '../../../server/repo/workspace.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { contents, makeClone, repoDeps, temporaryFolder } from '../../unit/repo/repositories.ts';
import { type LocalFixture, localFixture, shell } from '../sandbox/support/local.ts';

describe('a source in a real local sandbox', () => {
  let fixture: LocalFixture;
  before(async () => {
    fixture = await localFixture();
  });
  after(() => fixture.dispose());

  async function started(folder: string, taskId: string) {
    const deps = repoDeps(folder);
    const { commit, url } = makeClone(folder, {
      'crlf.txt': 'one\r\ntwo\r\n',
      'bin/run': { exec: '#!/bin/sh\necho ran\n' },
      link: { link: 'crlf.txt' },
      '.gitattributes': '*.txt text eol=lf\n',
      '.gitignore': 'out/\n',
    });
    const { baseTree } = await prepareSource(deps, { taskId, source: { url, commit, overlay: [] } });
    const sandbox = await fixture.provider.create({ taskId });
    await checkoutInto(sandbox, { taskId, bundle: await startBundle(deps, taskId), branch: 'main' });
    const capture = (previousTree: string, of: Sandbox = sandbox) =>
      captureProposal(deps, of, { taskId, previousTree });
    return { deps, taskId, baseTree, sandbox, capture, repo: path.join(deps.reposDir, `${taskId}.git`) };
  }

  it('is a clean working tree for the agent, and nothing to capture', async () => {
    using folder = temporaryFolder();
    const { sandbox, capture, baseTree } = await started(folder.path, 'clean');
    assert.deepEqual(await shell(sandbox, 'git status --porcelain && git log --format=%s%d && ./bin/run'), {
      code: 0,
      out: ' (HEAD -> main)\nran\n',
      err: '',
    });
    assert.deepEqual(await capture(baseTree), { headTree: baseTree });
  });

  it('comes out as the agent left it, commits and ignored files notwithstanding', async () => {
    using folder = temporaryFolder();
    const { sandbox, capture, baseTree, repo } = await started(folder.path, 'work');
    await sandbox.writeFile({ path: 'docs/new.md', data: Buffer.from('new\n') });
    const work = [
      "printf 'ONE\\r\\n' > crlf.txt",
      'chmod -x bin/run',
      'ln -sf /etc/passwd link',
      'mkdir out && echo x > out/ignored',
      'git add --all && git commit --quiet -m "by the agent"',
      'git init --quiet nested && echo x > nested/x',
      'rm -rf .git/objects',
    ];
    assert.deepEqual(await shell(sandbox, work.join(' && ')), { code: 0, out: '', err: '' });
    const { headTree } = await capture(baseTree);
    assert.deepEqual(contents(repo, headTree), {
      '.gitattributes': '100644 *.txt text eol=lf\n',
      '.gitignore': '100644 out/\n',
      'bin/run': '100644 #!/bin/sh\necho ran\n',
      'crlf.txt': '100644 ONE\r\n',
      'docs/new.md': '100644 new\n',
      'first.txt': '100644 the first commit\n',
      link: '120000 /etc/passwd',
    });
  });

  it('goes on after the sandbox was hibernated and resumed', async () => {
    using folder = temporaryFolder();
    const { sandbox, capture, baseTree, repo } = await started(folder.path, 'asleep');
    await shell(sandbox, 'echo before > before.txt');
    const { headTree } = await capture(baseTree);
    await fixture.provider.hibernate(sandbox.ref);
    const resumed = await fixture.provider.resume(sandbox.ref);
    assert.deepEqual(await capture(headTree, resumed), { headTree });
    await shell(resumed, 'echo after > after.txt');
    const next = await capture(headTree, resumed);
    const found = contents(repo, next.headTree);
    assert.deepEqual([found['before.txt'], found['after.txt']], ['100644 before\n', '100644 after\n']);
  });
});
