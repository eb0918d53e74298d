import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { isBranchName } from '../../../server/repo/branch.ts';
import { createGit, GitError } from '../../../server/repo/git.ts';
import { git as asPerson, makeClone, temporaryFolder, writeFiles } from './repositories.ts';

const gitError = (check: (error: GitError) => void) => (error: unknown) => {
  assert.ok(error instanceof GitError, inspect(error));
  check(error);
  return true;
};

describe('native Git', () => {
  it('answers with what was printed, and says how it failed', async () => {
    using folder = temporaryFolder();
    const git = createGit({ dataDir: folder.path });
    assert.match((await git(['--version'])).toString(), /^git version /);
    await assert.rejects(
      git(['cat-file', '-t', 'nothing'], { repo: makeClone(folder.path, {}).clone }),
      gitError(({ args, exitCode, stderr }) => {
        assert.deepEqual([args, exitCode], [['cat-file', '-t', 'nothing'], 128]);
        assert.match(stderr, /^fatal: /);
      }),
    );
  });

  it('takes nothing from the person’s or the machine’s configuration', async () => {
    using folder = temporaryFolder();
    const home = path.join(folder.path, 'home');
    writeFiles(home, { '.gitconfig': '[user]\n\tname = Person\n', '.config/git/config': '[a]\n\tb = c\n' });
    const env = {
      ...process.env,
      HOME: home,
      XDG_CONFIG_HOME: path.join(home, '.config'),
      GIT_DIR: '/nowhere',
    };
    const git = createGit({ dataDir: folder.path, env });
    const printed = (await git(['config', '--list', '--show-origin'])).toString();
    assert.deepEqual(
      new Set(
        printed
          .trimEnd()
          .split('\n')
          .map((line) => line.split('\t')[0]),
      ),
      new Set([`file:${path.join(folder.path, 'git/config')}`]),
    );
  });

  it('uses no transport that it was not given, whatever a repository’s configuration allows', async () => {
    using folder = temporaryFolder();
    const git = createGit({ dataDir: folder.path });
    const { clone, url } = makeClone(folder.path, {});
    const owned = path.join(folder.path, 'owned');
    asPerson(clone, ['config', 'protocol.ext.allow', 'always']);
    const repo = path.join(clone, '.git');
    for (const address of [`ext::sh -c touch% ${owned}`, url, clone]) {
      await assert.rejects(
        git(['fetch', address, 'HEAD'], { repo }),
        gitError(({ exitCode }) => assert.equal(exitCode, 128)),
      );
    }
    await git(['fetch', '--quiet', clone, 'HEAD'], { repo, transports: ['file'] });
    assert.equal(existsSync(owned), false);
  });

  it('runs no hook', async () => {
    using folder = temporaryFolder();
    const git = createGit({ dataDir: folder.path });
    const { clone } = makeClone(folder.path, {});
    const owned = path.join(folder.path, 'owned');
    writeFiles(clone, { '.git/hooks/reference-transaction': { exec: `#!/bin/sh\ntouch ${owned}\n` } });
    await git(['update-ref', 'refs/heads/other', 'HEAD'], { repo: path.join(clone, '.git') });
    assert.equal(existsSync(owned), false);
    asPerson(clone, ['update-ref', 'refs/heads/another', 'HEAD']);
    assert.equal(existsSync(owned), true, 'the hook would have run');
  });

  it('kills what it started when it is cancelled, helpers too', async () => {
    using folder = temporaryFolder();
    const pidFile = path.join(folder.path, 'pid');
    const program = path.join(folder.path, 'bin/git');
    mkdirSync(path.dirname(program));
    writeFileSync(
      program,
      `#!/bin/sh\nsleep 1000 &\necho $! >${pidFile}.new\nmv ${pidFile}.new ${pidFile}\necho ready\nwait\n`,
    );
    chmodSync(program, 0o755);
    const git = createGit({
      dataDir: folder.path,
      env: { PATH: `${path.dirname(program)}:${process.env.PATH}` },
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = git(['anything'], {
      signal: controller.signal,
      onStdout: () => controller.abort(reason),
    });
    await assert.rejects(running, reason);
    const helper = readFileSync(pidFile, 'utf8').trim();
    const state = spawnSync('ps', ['-o', 'stat=', '-p', helper]).stdout.toString().trim();
    assert.match(state, /^(Z.*)?$/, `the helper is ${state}`);
    await assert.rejects(git(['anything'], { signal: AbortSignal.abort(reason) }), reason);
  });

  it('stops at the limit of what it may print', async () => {
    using folder = temporaryFolder();
    const git = createGit({ dataDir: folder.path });
    await assert.rejects(
      git(['help', '--all'], { maxOutputBytes: 100 }),
      gitError(({ exitCode, stderr }) =>
        assert.deepEqual([exitCode, stderr], [null, 'it printed more than 100 bytes']),
      ),
    );
  });

  it('says that Git is missing where it is', async () => {
    using folder = temporaryFolder();
    const git = createGit({ dataDir: folder.path, env: { PATH: folder.path } });
    await assert.rejects(
      git(['--version']),
      gitError(({ stderr }) => assert.match(stderr, /installed/)),
    );
  });
});

describe('branch names', () => {
  const names = [
    'main',
    'handoff/fix-1',
    'a.b',
    'ü',
    'a@b',
    'a#b',
    'a{b',
    'x.lockd',
    '1',
    'a/b/c',
    "it's",
    'a"b',
    'a,b;c$(d)',
    '',
    '-a',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.',
    'a.lock',
    'a.lock/b',
    'a..b',
    'a b',
    'a\tb',
    'a\nb',
    'a~b',
    'a^b',
    'a:b',
    'a?b',
    'a*b',
    'a[b',
    'a\\b',
    'a@{b',
    '@{-1}',
    'a\u007fb',
  ];

  for (const name of names) {
    it(`of ${JSON.stringify(name)} are judged as Git does`, () => {
      const judged = spawnSync('git', ['check-ref-format', '--branch', name], {
        env: { PATH: process.env.PATH ?? '' },
      });
      assert.equal(isBranchName(name), judged.status === 0);
    });
  }

  it('are refused where Git takes them but means something else', () => {
    assert.deepEqual(['HEAD', '@', `a${'b'.repeat(300)}`, 'a/-b'].map(isBranchName), [
      false,
      false,
      false,
      false,
    ]);
  });
});
