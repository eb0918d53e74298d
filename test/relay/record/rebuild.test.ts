import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { createTaskRepo } from '../../../server/repo/task-repo.ts';
import { directorySandbox } from '../../unit/repo/directory-sandbox.ts';
import {
  type Files,
  git,
  gitBytes,
  makeClone,
  repoDeps,
  temporaryFolder,
  writeFiles,
} from '../../unit/repo/repositories.ts';

const BASE: Files = {
  'kept.txt': 'kept\n',
  'same-size.txt': 'before\n',
  'gone.txt': 'gone\n',
  folder: 'a file that becomes a folder\n',
  run: 'echo\n',
  '.gitignore': 'ignored/\n',
};
const CHANGED: Files = {
  'same-size.txt': 'after.\n',
  'gone.txt': null,
  folder: null,
  'folder/inside.txt': 'now inside\n',
  run: { exec: 'echo\n' },
  link: { link: 'kept.txt' },
  'new\nline': Uint8Array.from([0, 255, 13, 10]),
  'ignored/left.txt': 'not part of a proposal\n',
};

describe('a machine that never had the task', () => {
  /** A task of which the first machine has brought a proposal home. */
  async function proposed(folder: string) {
    const deps = { ...repoDeps(folder), sourcesDir: path.join(folder, 'sources') };
    const { url, clone } = makeClone(folder, BASE);
    git(clone, ['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},library`]);
    git(clone, ['commit', '--quiet', '-m', 'with a submodule']);
    const repo = createTaskRepo(deps);
    const signal = new AbortController().signal;
    const source = { url, commit: git(clone, ['rev-parse', 'HEAD']), overlay: [] };
    const { baseTree } = await repo.prepare('task-1', source, signal);
    const first = machine(folder, 'first');
    await repo.checkout('task-1', first, undefined, signal);
    writeFiles(first.workdir, CHANGED);
    const { headTree } = await repo.capture('task-1', first, baseTree);
    return { repo, signal, baseTree, headTree };
  }
  const machine = (folder: string, name: string) => {
    mkdirSync(path.join(folder, name));
    return directorySandbox(path.join(folder, name));
  };

  it('gets the proposal as the files, and the base as what the agent’s Git compares with', async () => {
    using folder = temporaryFolder();
    const { repo, signal, headTree } = await proposed(folder.path);
    const second = machine(folder.path, 'second');
    await repo.checkout('task-1', second, headTree, signal);

    const file = (name: string): string => path.join(second.workdir, name);
    assert.deepEqual(
      {
        same: readFileSync(file('same-size.txt'), 'utf8'),
        inside: readFileSync(file('folder/inside.txt'), 'utf8'),
        mode: statSync(file('run')).mode & 0o777,
        link: readlinkSync(file('link')),
        odd: readFileSync(file('new\nline')),
      },
      {
        same: 'after.\n',
        inside: 'now inside\n',
        mode: 0o755,
        link: 'kept.txt',
        odd: Buffer.from([0, 255, 13, 10]),
      },
    );
    const status = gitBytes(second.workdir, ['status', '--porcelain', '-z', '-uall']).toString();
    assert.deepEqual(status.split('\0').toSorted(), [
      '',
      ' D folder',
      ' D gone.txt',
      ' M run',
      ' M same-size.txt',
      '?? folder/inside.txt',
      '?? link',
      '?? new\nline',
    ]);
    assert.deepEqual(await repo.capture('task-1', second, headTree), { headTree });
  });

  it('goes on from there: what it adds is added to the proposal', async () => {
    using folder = temporaryFolder();
    const { repo, signal, baseTree, headTree } = await proposed(folder.path);
    const second = machine(folder.path, 'second');
    await repo.checkout('task-1', second, headTree, signal);
    writeFiles(second.workdir, { 'more.txt': 'more\n' });
    const next = await repo.capture('task-1', second, headTree);
    const files = await repo.changedFiles('task-1', baseTree, next.headTree);
    assert.deepEqual(
      files.map((change) => `${change.status} ${change.path}`),
      [
        'deleted folder',
        'added folder/inside.txt',
        'deleted gone.txt',
        'added link',
        'added more.txt',
        'added new\nline',
        'modified run',
        'modified same-size.txt',
      ],
    );
  });

  it('is filled completely after an attempt that died halfway', async () => {
    using folder = temporaryFolder();
    const { repo, signal, headTree } = await proposed(folder.path);
    const second = machine(folder.path, 'second');
    await repo.checkout('task-1', second, headTree, signal);
    rmSync(path.join(second.scratchdir, 'capture.git', 'handoff-ready'));
    await repo.checkout('task-1', second, headTree, signal);
    assert.deepEqual(await repo.capture('task-1', second, headTree), { headTree });
  });

  it('gets the base where the proposal is the base', async () => {
    using folder = temporaryFolder();
    const { repo, signal, baseTree } = await proposed(folder.path);
    const second = machine(folder.path, 'second');
    await repo.checkout('task-1', second, baseTree, signal);
    assert.equal(git(second.workdir, ['status', '--porcelain']), '');
    assert.deepEqual(await repo.capture('task-1', second, baseTree), { headTree: baseTree });
  });
});
