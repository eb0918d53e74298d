import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Clone, makeClone } from './bootstrap-clone.ts';

const NPM_CI =
  'npm ci --ignore-scripts --include=dev --include=optional --prefer-offline --no-audit --no-fund --no-progress --loglevel=error';
const LOCK_WITH_B = JSON.stringify({ packages: { 'node_modules/b': { version: '2.0.0' } } });

describe('bootstrap', () => {
  let clone: Clone;
  beforeEach(() => {
    clone = makeClone();
  });
  afterEach(() => clone.remove());

  const called = (stdout: string): unknown => JSON.parse(stdout.split('\n')[0] ?? '');

  it('installs, builds and hands over; what it says itself goes to stderr', async () => {
    const { code, stdout, stderr } = await clone.run(['start', 'tasks', '--json']);
    assert.deepEqual(
      { code, called: called(stdout), log: clone.log() },
      {
        code: 0,
        called: { args: ['tasks', '--json'], cwd: realpathSync(clone.root) },
        log: [NPM_CI, 'build'],
      },
    );
    assert.match(stderr, /installing dependencies .*\n.*done in \d+ s/);
  });

  it('does nothing twice', async () => {
    await clone.run(['start', 'tasks']);
    const { stderr } = await clone.run(['start', 'tasks']);
    assert.deepEqual({ stderr, log: clone.log() }, { stderr: '', log: [NPM_CI, 'build'] });
  });

  it('takes what a person installed by hand', async () => {
    await clone.run(['start', 'tasks']);
    rmSync(path.join(clone.root, 'node_modules/.handoff-install'));
    await clone.run(['start', 'tasks']);
    assert.deepEqual(clone.log(), [NPM_CI, 'build']);
  });

  it('builds again when a source has changed, and installs again when the lock file has', async () => {
    await clone.run(['start', 'tasks']);
    clone.write('server/new.ts', 'export {};');
    await clone.run(['start', 'tasks']);
    clone.write('package-lock.json', LOCK_WITH_B);
    await clone.run(['start', 'tasks']);
    assert.deepEqual(clone.log(), [NPM_CI, 'build', 'build', NPM_CI, 'build']);
  });

  it('passes options without a command to start, and the tests to their runner', async () => {
    const start = await clone.run(['start', '--demo']);
    const help = await clone.run(['start', '--help']);
    const test = await clone.run(['test', 'unit']);
    assert.deepEqual(
      [start, help, test].map(({ stdout }) => called(stdout)),
      [['start', '--demo'], ['--help'], ['unit']].map((args) => ({ args, cwd: realpathSync(clone.root) })),
    );
  });

  it('runs the command in the folder where the person typed it', async () => {
    const folder = path.join(clone.root, 'else where');
    mkdirSync(folder);
    const manifest = path.join(clone.root, 'package.json');
    const byNpm = await clone.run(['start', 'run'], { INIT_CWD: folder, npm_package_json: manifest });
    const byOther = await clone.run(['start', 'run'], {
      INIT_CWD: folder,
      npm_package_json: '/else/package.json',
    });
    assert.deepEqual(
      [byNpm, byOther].map(({ stdout }) => called(stdout)),
      [folder, clone.root].map((cwd) => ({ args: ['run'], cwd: realpathSync(cwd) })),
    );
  });

  it('prepares once when it runs twice at once', async () => {
    const both = await Promise.all([clone.run(['start', 'one']), clone.run(['start', 'two'])]);
    assert.deepEqual(
      { codes: both.map(({ code }) => code), log: clone.log() },
      { codes: [0, 0], log: [NPM_CI, 'build'] },
    );
  });

  it('takes a lock that a dead process left, and one of a pid that is another process now', async () => {
    for (const holder of ['999999999 1', `${process.pid} 1`]) {
      clone.write('dist/.bootstrap/lock', holder);
      assert.equal((await clone.run(['start', 'tasks'])).code, 0);
    }
  });

  it('does not pull the dependencies away from a run that uses them', async () => {
    const running = clone.start(['start', 'wait']);
    await running.said('"wait"');
    clone.write('package-lock.json', LOCK_WITH_B);
    const next = clone.start(['start', 'tasks']);
    await next.said(`waiting for process ${running.child.pid} to end`);
    assert.deepEqual(clone.log(), [NPM_CI, 'build']);
    running.child.stdin.end();
    await running.ended;
    assert.equal((await next.ended).code, 0);
    assert.deepEqual(clone.log(), [NPM_CI, 'build', NPM_CI, 'build']);
  });

  it('forwards the signal that ends it, and ends as the command ends', async () => {
    const running = clone.start(['start', 'wait']);
    await running.said('"wait"');
    running.child.kill('SIGTERM');
    const { code, stdout } = await running.ended;
    assert.deepEqual({ code, last: stdout.trim().split('\n').at(-1) }, { code: 7, last: 'told to end' });
    assert.equal((await clone.run(['start', 'fail'])).code, 5);
  });

  it('ends its npm with itself, and leaves the clone to the next', async () => {
    clone.write('slow', '');
    const interrupted = clone.start(['start', 'tasks']);
    await interrupted.said('installing');
    interrupted.child.kill('SIGTERM');
    const { code, stdout } = await interrupted.ended;
    assert.deepEqual({ code, stdout }, { code: 128 + 15, stdout: '' });
    rmSync(path.join(clone.root, 'slow'));
    assert.equal((await clone.run(['start', 'tasks'])).code, 0);
  });

  it('ends when the shell of npm dies of a signal and does not pass it on', async () => {
    const running = clone.start(['start', 'stay'], { npm_lifecycle_event: 'start' }, { byShell: true });
    await running.said('"stay"');
    running.child.kill('SIGTERM');
    await running.said('told to end');
    await running.ended;
  });

  it('says what npm said when it fails, and ends a test run with a count', async () => {
    clone.write('no-network', '');
    const { code, stdout, stderr } = await clone.run(['test']);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '\n0 passed, 1 failed\n' });
    assert.match(stderr, /npm ci failed in .*\nnpm error code ENOTFOUND/);
    rmSync(path.join(clone.root, 'no-network'));
    assert.equal((await clone.run(['test'])).code, 0);
  });

  it('says what the bundler said when the build fails, and tries again next time', async () => {
    clone.write('broken', '');
    const { code, stderr } = await clone.run(['start', 'tasks']);
    assert.equal(code, 1);
    assert.match(stderr, /the build failed:\na syntax error/);
    rmSync(path.join(clone.root, 'broken'));
    assert.equal((await clone.run(['start', 'tasks'])).code, 0);
  });

  it('names the command that installs missing system packages, and goes on', async () => {
    rmSync(path.join(clone.bin, 'rg'));
    rmSync(path.join(clone.bin, 'bwrap'));
    clone.program('dnf', 'exit 0');
    const { code, stderr } = await clone.run(['start', 'tasks']);
    const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
    assert.equal(code, 0);
    assert.ok(stderr.includes(`\n    ${sudo}dnf install -y bubblewrap ripgrep\n`), stderr);
  });

  it('installs them itself as root on Debian; says how to anybody else', async () => {
    rmSync(path.join(clone.bin, 'bwrap'));
    clone.program('apt-get', `echo "apt-get $DEBIAN_FRONTEND $*" >> ${clone.root}/asked.log`);
    const { stderr } = await clone.run(['start', 'tasks']);
    const asked = clone.log().filter((line) => line.startsWith('apt'));
    if (process.getuid?.() === 0) {
      const options = 'apt-get noninteractive -q -o DPkg::Lock::Timeout=300';
      const install = `${options} install -y --no-install-recommends bubblewrap`;
      assert.deepEqual(asked, [`${options} update`, install]);
    } else {
      assert.deepEqual(asked, []);
      assert.ok(stderr.includes('\n    sudo apt-get install -y bubblewrap\n'), stderr);
    }
  });

  it('refuses a folder that is not a clone', async () => {
    renameSync(path.join(clone.root, 'package-lock.json'), path.join(clone.root, 'moved'));
    const { code, stderr } = await clone.run(['start']);
    assert.equal(code, 1);
    assert.match(stderr, /is not a clone of Handoff: package-lock.json is missing/);
  });
});
