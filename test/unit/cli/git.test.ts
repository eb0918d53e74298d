import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { captureDeps, runGit } from '../../../server/cli/git.ts';
import { captureSource } from '../../../server/protocol/capture.ts';
import { createSampleRepo } from '../../fakes/sample.ts';

describe('git of the command line', () => {
  let repository: string;
  beforeEach(async () => {
    repository = mkdtempSync(path.join(tmpdir(), 'handoff-cli-git-'));
    await createSampleRepo(repository);
  });
  afterEach(() => rmSync(repository, { recursive: true, force: true }));

  const write = (file: string, text: string) => writeFileSync(path.join(repository, file), text);
  const git = async (...args: string[]) =>
    new TextDecoder().decode((await runGit(['-C', repository, ...args])).stdout);

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
