import assert from 'node:assert/strict';
import path from 'node:path';
import { type EnvironmentFiles, readEnvironmentFiles } from '../../../server/environment/files.ts';
import type { Git } from '../../../server/repo/git.ts';
import { prepareSource } from '../../../server/repo/source.ts';
import { type Files, git, makeClone, repoDeps, temporaryFolder } from '../repo/repositories.ts';

interface Read {
  files: EnvironmentFiles;
  /** How many Git processes that took. */
  processes: number;
  oidOf: (path: string) => string;
}

async function read(files: Files, uncommitted: Record<string, string> = {}): Promise<Read> {
  using folder = temporaryFolder();
  const deps = repoDeps(folder.path);
  const { commit, url, clone } = makeClone(folder.path, files);
  const overlay = Object.entries(uncommitted).map(([name, text]) => ({
    path: name,
    mode: '100644' as const,
    content: Buffer.from(text).toString('base64'),
  }));
  const { baseTree } = await prepareSource(deps, { taskId: 't', source: { url, commit, overlay } });
  let processes = 0;
  const counted: Git = (args, run) => {
    processes += 1;
    return deps.git(args, run);
  };
  const found = await readEnvironmentFiles({ ...deps, git: counted }, 't', baseTree);
  const oids = new Map(
    Object.keys(files).map((name) => [name, git(clone, ['rev-parse', `HEAD:${path.posix.normalize(name)}`])]),
  );
  return { files: found, processes, oidOf: (name) => oids.get(name) ?? '' };
}

describe('what a repository says of its environment', () => {
  it('is nothing in most, and one look at the tree tells that', async () => {
    const { files, processes } = await read({ 'package-lock.json': '{}', 'handoff/config.json': '{}' });
    assert.deepEqual([files, processes], [{ inputs: {}, unread: [] }, 1]);
  });

  it('is as the person had it when the task began, uncommitted files included', async () => {
    const { files } = await read(
      { '.handoff/config.json': '{"image": "committed"}' },
      { '.handoff/config.json': '{"image": "edited"}', '.handoff/setup.sh': 'make\n' },
    );
    assert.deepEqual(files, {
      config: '{"image": "edited"}',
      setupScript: 'make\n',
      inputs: {},
      unread: [],
    });
  });

  it('has lock files of the first two levels as inputs, and what the configuration names', async () => {
    const config = JSON.stringify({
      setup: { inputs: ['tools', 'Make*', 'not-there', 'deep/er/yarn.lock'] },
    });
    const { files, oidOf } = await read({
      '.handoff/config.json': config,
      'package-lock.json': '{}',
      'api/Cargo.lock': 'x',
      'requirements-dev.txt': 'flask',
      '.nvmrc': '24',
      'tools/a.sh': 'a',
      'Make*': 'a name with a star',
      Makefile: 'not named',
      'deep/er/yarn.lock': 'named',
      'deep/er/go.sum': 'too deep',
      'my-package-lock.json': 'another name',
    });
    assert.deepEqual(Object.keys(files.inputs).sort(), [
      ...['.nvmrc', 'Make*', 'api/Cargo.lock', 'deep/er/yarn.lock', 'not-there', 'package-lock.json'],
      ...['requirements-dev.txt', 'tools'],
    ]);
    assert.equal(files.inputs['package-lock.json'], oidOf('package-lock.json'));
    assert.equal(files.inputs['Make*'], oidOf('Make*'));
    assert.equal(files.inputs['not-there'], 'missing');
    assert.match(files.inputs.tools ?? '', /^[0-9a-f]{40}$/);
  });

  it('has the devcontainer of the folder before that of the root', async () => {
    const both = { '.devcontainer.json': 'root', '.devcontainer/devcontainer.json': 'folder' };
    assert.equal((await read(both)).files.devcontainer, 'folder');
    assert.equal((await read({ '.devcontainer.json': 'root' })).files.devcontainer, 'root');
  });

  it('is not read through links, from folders, or beyond 64 KiB; and that is told', async () => {
    const { files } = await read({
      '.handoff/config.json': { link: '/etc/passwd' },
      '.handoff/setup.sh/is-a-folder': 'x',
      '.devcontainer.json': ' '.repeat(65_537),
    });
    assert.deepEqual(files, {
      inputs: {},
      unread: [
        { path: '.handoff/config.json', why: 'it is not a plain file' },
        { path: '.handoff/setup.sh', why: 'it is not a plain file' },
        { path: '.devcontainer.json', why: 'it is larger than 65536 bytes' },
      ],
    });
  });

  it('may be a configuration that is broken: what else there is is read', async () => {
    const { files } = await read({ '.handoff/config.json': '{"setup": 7', '.handoff/setup.sh': 'make' });
    assert.deepEqual([files.config, files.setupScript, files.unread], ['{"setup": 7', 'make', []]);
  });
});
