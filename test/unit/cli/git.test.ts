import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applyPatch, captureDeps, runGit } from '../../../server/cli/git.ts';
import { captureSource } from '../../../server/protocol/capture.ts';
import { createSampleRepo } from '../../fakes/sample.ts';

describe('git of the command line', () => {
  let repository: string;
  beforeEach(async () => {
    repository = mkdtempSync(path.join(tmpdir(), 'handoff-cli-git-'));
    await createSampleRepo(repository);
  });
  afterEach(() => rmSync(repository, { recursive: true, force: true }));

  const read = (file: string) => readFileSync(path.join(repository, file), 'utf8');
  const write = (file: string, text: string) => writeFileSync(path.join(repository, file), text);
  const git = async (...args: string[]) =>
    new TextDecoder().decode((await runGit(['-C', repository, ...args])).stdout);

  /** A patch that changes README.md, deletes package.json and adds a file; the tree is as before. */
  async function makePatch(): Promise<Uint8Array> {
    write('README.md', `first\r\n${read('README.md')}`);
    rmSync(path.join(repository, 'package.json'));
    write('new.bin', 'a\0b');
    writeFileSync(path.join(repository, 'latin1.txt'), Buffer.from('caf\xe9\n', 'latin1'));
    await git('add', '--all');
    const { stdout: patch } = await runGit([
      ...['-C', repository, 'diff', '--cached', '--binary', '--full-index', 'HEAD'],
    ]);
    await git('reset', '--hard', '--quiet');
    return patch;
  }

  it('applies a patch to the whole tree from any folder in it, and leaves the index alone', async () => {
    const patch = await makePatch();
    const index = await git('ls-files', '--stage');
    assert.equal(await applyPatch(repository, patch), undefined);
    assert.deepEqual(
      {
        first: read('README.md').slice(0, 7),
        added: read('new.bin'),
        latin1: readFileSync(path.join(repository, 'latin1.txt')).toString('latin1'),
        index: await git('ls-files', '--stage'),
      },
      { first: 'first\r\n', added: 'a\0b', latin1: 'caf\xe9\n', index },
    );
    assert.equal(
      await git('status', '--porcelain'),
      ' M README.md\n D package.json\n?? latin1.txt\n?? new.bin\n',
    );
  });

  it('touches nothing where one file does not fit, and says which', async () => {
    const patch = await makePatch();
    write('README.md', 'something else\n');
    assert.match((await applyPatch(repository, patch)) ?? '', /patch failed: README\.md:1/);
    assert.equal(await git('status', '--porcelain'), ' M README.md\n');
    assert.equal(read('README.md'), 'something else\n');
  });

  it('takes an empty patch as nothing to do', async () => {
    assert.equal(await applyPatch(repository, new Uint8Array()), undefined);
  });

  it('is not led to another repository by a hook that it runs in', async () => {
    process.env.GIT_DIR = '/nowhere';
    try {
      assert.equal(await git('rev-parse', '--abbrev-ref', 'HEAD'), 'main\n');
    } finally {
      delete process.env.GIT_DIR;
    }
  });

  it('captures uncommitted work', async () => {
    mkdirSync(path.join(repository, 'docs'));
    write('docs/note.md', 'hello\n');
    const { source } = await captureSource(captureDeps, { folder: path.join(repository, 'docs') });
    assert.deepEqual(source.overlay, [
      { path: 'docs/note.md', mode: '100644', content: Buffer.from('hello\n').toString('base64') },
    ]);
  });
});
