import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createGit, GitError } from '../../../server/repo/git.ts';
import type { ProcessRequest } from '../../../server/repo/spawner/process.ts';
import { createSpawner, type Spawner } from '../../../server/repo/spawner/spawner.ts';

const PROGRAM = fileURLToPath(new URL('../../../server/repo/spawner/main.ts', import.meta.url));
const ENV = { PATH: process.env.PATH ?? '' };

interface Heard {
  stdout: string;
  stderr: string;
  end: { exitCode: number | null } | { failed: unknown };
  parent: string;
}

/** Runs a shell command to its end; says who started it. */
function run(spawner: Spawner, command: string, more: Partial<ProcessRequest> = {}): Promise<Heard> {
  const { promise, resolve } = Promise.withResolvers<Heard>();
  let stdout = '';
  let stderr = '';
  const end = (how: Heard['end']): void => {
    const [first = '', ...rest] = stdout.split('\n');
    resolve({ stdout: rest.join('\n'), stderr, end: how, parent: first });
  };
  const argv = ['-c', `echo $PPID\n${command}`];
  spawner.start(
    { file: 'sh', args: argv, cwd: tmpdir(), env: ENV, ...more },
    {
      stdout: (chunk) => (stdout += chunk.toString()),
      stderr: (chunk) => (stderr += chunk.toString()),
      closed: (exitCode) => end({ exitCode }),
      failed: (failed) => end({ failed }),
    },
  );
  return promise;
}

/** Until programs are no longer started by this process. @returns the process that does it */
async function untilApart(spawner: Spawner): Promise<number> {
  for (;;) {
    const { parent } = await run(spawner, 'true');
    if (parent !== String(process.pid)) return Number(parent);
  }
}

describe('the process that starts others', () => {
  let spawner: Spawner;
  beforeEach(() => {
    spawner = createSpawner(PROGRAM);
  });
  afterEach(() => spawner.close());

  it('starts them apart from the relay once it is up, and says all that is heard of them', async () => {
    const apart = await untilApart(spawner);
    const heard = await run(spawner, 'cat; echo err >&2; exit 3', { stdin: Buffer.from('in\n') });
    assert.deepEqual(heard, { stdout: 'in\n', stderr: 'err\n', end: { exitCode: 3 }, parent: String(apart) });
  });

  it('kills the whole group of one', async () => {
    await untilApart(spawner);
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const running = spawner.start(
      { file: 'sh', args: ['-c', 'sleep 1000 & echo up; wait'], cwd: tmpdir(), env: ENV },
      {
        stdout: () => running.kill('SIGKILL'),
        stderr: () => {},
        closed: resolve,
        failed: (cause) => assert.fail(String(cause)),
      },
    );
    assert.equal(await promise, null);
  });

  it('says of a program that is not there that it could not be started', async () => {
    await untilApart(spawner);
    const { end } = await run(spawner, '', { file: 'there-is-no-such-program' });
    assert.ok('failed' in end);
    assert.ok(end.failed instanceof Error && 'code' in end.failed);
    assert.equal(end.failed.code, 'ENOENT');
  });

  it('fails what it had started when it is killed, and is begun anew', async () => {
    const apart = await untilApart(spawner);
    const lost = run(spawner, 'sleep 1000');
    process.kill(apart, 'SIGKILL');
    const { end } = await lost;
    assert.ok('failed' in end);
    const { end: next } = await run(spawner, 'exit 0');
    assert.deepEqual(next, { exitCode: 0 });
    assert.notEqual(await untilApart(spawner), apart);
  });

  it('has Git run again by the relay itself where it dies under it', async () => {
    const apart = await untilApart(spawner);
    await using folder = await mkdtempDisposable(path.join(tmpdir(), 'handoff-spawner-'));
    const git = createGit({ dataDir: folder.path, start: spawner.start });
    // Before it can have begun to run anything.
    process.kill(apart, 'SIGSTOP');
    const version = git(['--version']);
    process.kill(apart, 'SIGKILL');
    assert.match((await version).toString(), /^git version /);
  });

  it('is let go when it has had nothing to do, and keeps nobody waiting for it', async () => {
    const program = `
      import { createSpawner } from ${JSON.stringify(new URL('../../../server/repo/spawner/spawner.ts', import.meta.url).href)};
      const { start } = createSpawner(${JSON.stringify(PROGRAM)}, 1);
      start({ file: 'true', args: [], cwd: '/', env: process.env }, { stdout() {}, stderr() {}, failed() {}, closed: () => console.log('closed') });
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(stdout, 'closed\n');
  });

  it('runs Git as it is run otherwise, failures included', async () => {
    await untilApart(spawner);
    await using folder = await mkdtempDisposable(path.join(tmpdir(), 'handoff-spawner-'));
    const git = createGit({ dataDir: folder.path, start: spawner.start });
    const repo = path.join(folder.path, 'repo.git');
    await git(['init', '--bare', '--quiet', repo]);
    const oid = await git(['hash-object', '-w', '--stdin'], { repo, stdin: Buffer.from([0, 255, 10]) });
    const blob = await git(['cat-file', 'blob', oid.toString().trim()], { repo });
    assert.deepEqual(blob, Buffer.from([0, 255, 10]));
    const wrong = git(['cat-file', 'blob', 'no-such-thing'], { repo });
    await assert.rejects(wrong, (error) => error instanceof GitError && error.exitCode === 128);
  });
});
