import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { captureDeps } from '../../../extension/git/run-git.ts';
import { type Capture, type CaptureOptions, captureSource } from '../../../server/protocol/capture.ts';
import {
  type CaptureDeps,
  type CaptureError,
  fileUrl,
  withoutCredentials,
} from '../../../server/protocol/capture-git.ts';
import { SourceSpec } from '../../../server/protocol/source.ts';
import { fingerprint, readable } from './persons-repository.ts';

const temps: string[] = [];
const real = captureDeps('git');
const deps: CaptureDeps = {
  ...real,
  makeTempDir: async () => {
    const dir = await real.makeTempDir();
    temps.push(dir);
    return dir;
  },
};
const CONFIG = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'init.defaultBranch=main'];

describe('captureSource', () => {
  let root: string;
  let repo: string;
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', repo, ...CONFIG, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
  const write = (name: string, content: string | Buffer) => {
    mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
    writeFileSync(path.join(repo, name), content);
  };
  const commit = (message = 'work') => {
    git('add', '-A');
    git('commit', '-q', '--allow-empty', '-m', message);
    return git('rev-parse', 'HEAD');
  };
  /** Captures, and proves on the way that nothing of the person's changed. */
  const capture = async (options: Partial<CaptureOptions> = {}): Promise<Capture> => {
    const before = fingerprint(repo);
    const captured = await captureSource(deps, { folder: repo, ...options });
    assert.deepEqual(fingerprint(repo), before);
    assert.deepEqual(temps.filter(existsSync), []);
    return captured;
  };
  const refusal = async (folder: string, options: Partial<CaptureOptions> = {}) => {
    const error = await captureSource(deps, { folder, ...options }).then(
      () => assert.fail('captured it'),
      (thrown: CaptureError) => thrown,
    );
    assert.ok(error.nextAction.length > 10);
    return error;
  };

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'handoff-test-'));
    repo = path.join(root, 'repo');
    mkdirSync(repo);
    git('init', '-q', '-b', 'main');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('a clean working tree is its commit, branch and place', async () => {
    write('a.txt', 'one\n');
    const head = commit();
    assert.deepEqual(await capture(), {
      toplevel: repo,
      source: { url: `file://${repo}`, commit: head, branch: 'main', overlay: [] },
      pushed: false,
      ...{ sent: [], leftOut: [], nested: [] },
    });
  });

  it('takes what is staged, unstaged, untracked and deleted, and leaves out what is ignored', async () => {
    write('.gitignore', 'ignored.txt\n');
    for (const name of ['staged', 'unstaged', 'both', 'gone', 'gone-staged', 'kept']) write(name, 'before\n');
    const head = commit();
    write('staged', 'staged\n');
    write('both', 'staged\n');
    git('add', 'staged', 'both');
    git('rm', '-q', 'gone-staged');
    write('both', 'then more\n');
    write('unstaged', 'unstaged\n');
    write('new/deep.txt', 'new\n');
    write('empty', '');
    write('ignored.txt', 'secret\n');
    rmSync(path.join(repo, 'gone'));

    const { source } = await capture();
    assert.equal(source.commit, head);
    assert.deepEqual(readable(source), {
      both: ['100644', 'then more\n'],
      empty: ['100644', ''],
      gone: ['100644', null],
      'gone-staged': ['100644', null],
      'new/deep.txt': ['100644', 'new\n'],
      staged: ['100644', 'staged\n'],
      unstaged: ['100644', 'unstaged\n'],
    });
    assert.deepEqual(SourceSpec.parse(source), source);
  });

  it('keeps exec bits, symbolic links, binary content and unicode names', async () => {
    write('run.sh', '#!/bin/sh\n');
    write('was-file', 'x\n');
    commit();
    chmodSync(path.join(repo, 'run.sh'), 0o755);
    rmSync(path.join(repo, 'was-file'));
    symlinkSync('run.sh', path.join(repo, 'was-file'));
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
    write('binär/日本 "語".bin', bytes);

    const { source } = await capture();
    assert.deepEqual(source.overlay, [
      { path: 'binär/日本 "語".bin', mode: '100644', content: bytes.toString('base64') },
      { path: 'run.sh', mode: '100755', content: base64('#!/bin/sh\n') },
      { path: 'was-file', mode: '120000', content: base64('run.sh') },
    ]);
  });

  it('stores line ends as Git would: autocrlf makes LF, without it CRLF stays', async () => {
    write('a.txt', 'one\n');
    commit();
    git('config', 'core.autocrlf', 'true');
    git('config', 'core.safecrlf', 'true');
    write('a.txt', 'one\r\ntwo\r\n');
    assert.deepEqual(readable((await capture()).source), { 'a.txt': ['100644', 'one\ntwo\n'] });
    git('config', 'core.autocrlf', 'false');
    assert.deepEqual(readable((await capture()).source), { 'a.txt': ['100644', 'one\r\ntwo\r\n'] });
  });

  it('sees an edit of the same size and time as the index entry it changed', async () => {
    write('a.txt', 'aaaa\n');
    const time = Math.floor(Date.now() / 1000) - 60;
    utimesSync(path.join(repo, 'a.txt'), time, time);
    commit();
    write('a.txt', 'bbbb\n');
    utimesSync(path.join(repo, 'a.txt'), time, time);
    utimesSync(path.join(repo, '.git/index'), time, time);
    git('config', 'core.trustctime', 'false');
    assert.deepEqual(readable((await capture()).source), { 'a.txt': ['100644', 'bbbb\n'] });
  });

  it('a folder in place of a file, and a file in place of a folder', async () => {
    write('a', 'file\n');
    write('b/c', 'in folder\n');
    commit();
    rmSync(path.join(repo, 'a'));
    write('a/inner', 'now inside\n');
    rmSync(path.join(repo, 'b'), { recursive: true });
    write('b', 'now a file\n');
    assert.deepEqual(readable((await capture()).source), {
      a: ['100644', null],
      'a/inner': ['100644', 'now inside\n'],
      b: ['100644', 'now a file\n'],
      'b/c': ['100644', null],
    });
  });

  it('works amid a merge conflict, with what the files hold', async () => {
    write('a.txt', 'base\n');
    commit();
    git('checkout', '-q', '-b', 'other');
    write('a.txt', 'other\n');
    commit();
    git('checkout', '-q', 'main');
    write('a.txt', 'main\n');
    commit();
    assert.throws(() => git('merge', 'other'));
    const content = readFileSync(path.join(repo, 'a.txt'), 'utf8');
    assert.match(content, /<<<<<<</);
    assert.deepEqual(readable((await capture()).source), { 'a.txt': ['100644', content] });
  });

  it('a detached HEAD has no branch', async () => {
    write('a.txt', 'one\n');
    const head = commit();
    git('checkout', '-q', '--detach');
    assert.deepEqual((await capture()).source, { url: `file://${repo}`, commit: head, overlay: [] });
  });

  it('tells the remote without credentials, and whether it has the commit', async () => {
    write('a.txt', 'one\n');
    const head = commit();
    git('remote', 'add', 'fork', 'https://example.com/fork.git');
    git('remote', 'add', 'origin', 'https://ada:s3cret@github.com/ada/repo.git');
    const { source, pushed } = await capture();
    assert.deepEqual([source.remote, pushed], ['https://github.com/ada/repo.git', false]);
    git('update-ref', 'refs/remotes/origin/main', head);
    assert.equal((await capture()).pushed, true);
  });

  it('starts from a subfolder and from a linked working tree alike', async () => {
    write('sub/a.txt', 'one\n');
    const head = commit();
    write('top.txt', 'new\n');
    const { toplevel, source } = await capture({ folder: path.join(repo, 'sub') });
    assert.deepEqual([toplevel, readable(source)], [repo, { 'top.txt': ['100644', 'new\n'] }]);

    const linked = path.join(root, 'linked: tree #1');
    git('worktree', 'add', '-q', '-b', 'side', linked);
    writeFileSync(path.join(linked, 'sub/a.txt'), 'two\n');
    const side = await capture({ folder: linked });
    assert.deepEqual(
      [side.source.url, side.source.commit, side.source.branch],
      [fileUrl(linked), head, 'side'],
    );
    assert.equal(
      new URL(side.source.url ?? '').pathname,
      encodeURI(linked).replace('#', '%23').replace(':', '%3A'),
    );
    assert.deepEqual(readable(side.source), { 'sub/a.txt': ['100644', 'two\n'] });
  });

  it('reads the objects of a repository whose path Git would split', async () => {
    const odd = path.join(root, 'a:b"c');
    renameSync(repo, odd);
    repo = odd;
    write('a.txt', 'one\n');
    commit();
    write('a.txt', 'two\n');
    assert.deepEqual(readable((await capture()).source), { 'a.txt': ['100644', 'two\n'] });
  });

  it('leaves a split index and an index-change hook alone', async () => {
    for (let index = 0; index < 50; index++) write(`f${index}`, `${index}\n`);
    commit();
    git('config', 'core.splitIndex', 'true');
    git('update-index', '--split-index');
    write('.git/hooks/post-index-change', '#!/bin/sh\ntouch "$(git rev-parse --git-dir)/hook-ran"\n');
    chmodSync(path.join(repo, '.git/hooks/post-index-change'), 0o755);
    // More than a fifth of the entries: Git would write a new shared index.
    for (let index = 0; index < 40; index++) write(`f${index}`, 'changed\n');
    assert.equal((await capture()).source.overlay.length, 40);
  });

  it('takes the commit that a submodule is at, also where it is only staged', async () => {
    write('a.txt', 'one\n');
    const first = commit();
    git('update-index', '--add', '--cacheinfo', `160000,${first},vendor/lib`);
    git('commit', '-q', '-m', 'submodule');
    const second = git('rev-parse', 'HEAD');
    mkdirSync(path.join(repo, 'vendor/lib'), { recursive: true });
    git('update-index', '--cacheinfo', `160000,${second},vendor/lib`);
    const { source, sent } = await capture();
    assert.deepEqual(
      [source.overlay, sent],
      [
        [{ path: 'vendor/lib', mode: '160000', oid: second }],
        [{ path: 'vendor/lib', kind: 'submodule', bytes: 0 }],
      ],
    );
    assert.deepEqual(SourceSpec.parse(source), source);
  });

  it('for a relay elsewhere, uploads a bundle that has the commit', async () => {
    write('a.txt', 'one\n');
    const head = commit();
    const file = path.join(root, 'got.bundle');
    const { source } = await capture({
      upload: async (bytes) => {
        writeFileSync(file, bytes);
        return { sourceId: 'src-1' };
      },
    });
    assert.deepEqual(source, { sourceId: 'src-1', commit: head, branch: 'main', overlay: [] });
    assert.match(git('bundle', 'list-heads', file), new RegExp(`^${head} HEAD$`));
  });

  it('refuses more than the limits, naming the largest file', async () => {
    write('a.txt', 'one\n');
    commit();
    write('small', 'x');
    write('big.iso', 'x'.repeat(2000));
    const tooBig = await refusal(repo, { maxOverlayBytes: 1000 });
    assert.deepEqual([tooBig.code, /big\.iso/.test(tooBig.message)], ['too-large', true]);
    assert.equal((await refusal(repo, { maxOverlayFiles: 1 })).code, 'too-large');
    git('add', '-A');
    assert.equal((await refusal(repo, { maxOverlayBytes: 1000 })).code, 'too-large');
  });

  // Other systems' file systems take no such name.
  const onLinux = process.platform === 'linux' ? it : () => {};
  onLinux('refuses a name that is not UTF-8', async () => {
    write('a.txt', 'one\n');
    commit();
    writeFileSync(Buffer.concat([Buffer.from(`${repo}/`), Buffer.from([0x66, 0xff])]), 'x');
    assert.equal((await refusal(repo)).code, 'unsupported-name');
  });

  it('refuses what is no repository, is bare, or has no commit', async () => {
    const plain = path.join(root, 'plain');
    mkdirSync(plain);
    const bare = path.join(root, 'bare.git');
    git('init', '-q', '--bare', bare);
    assert.deepEqual(
      [(await refusal(plain)).code, (await refusal(bare)).code, (await refusal(repo)).code],
      ['not-a-repository', 'bare-repository', 'no-commits'],
    );
  });
});

describe('withoutCredentials', () => {
  const CASES: [remote: string, kept: string][] = [
    ['https://github.com/a/b.git', 'https://github.com/a/b.git'],
    ['https://token@github.com/a/b.git', 'https://github.com/a/b.git'],
    ['https://user:p@ss@host:8443/a/b@c.git', 'https://host:8443/a/b@c.git'],
    ['ssh://git:pw@host:22/a/b', 'ssh://git@host:22/a/b'],
    ['git@github.com:a/b.git', 'git@github.com:a/b.git'],
    ['/srv/git/b.git', '/srv/git/b.git'],
    ['file:///srv/git/b.git', 'file:///srv/git/b.git'],
  ];
  for (const [remote, kept] of CASES) {
    it(`${remote} becomes ${kept}`, () => assert.equal(withoutCredentials(remote), kept));
  }
});

describe('fileUrl', () => {
  const CASES: [path: string, url: string][] = [
    ['/home/ada/my repo#1', 'file:///home/ada/my%20repo%231'],
    ['C:/Users/ada/répo', 'file:///C:/Users/ada/r%C3%A9po'],
    ['//server/share/repo', 'file://server/share/repo'],
  ];
  for (const [from, url] of CASES) it(`${from} is ${url}`, () => assert.equal(fileUrl(from), url));
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
