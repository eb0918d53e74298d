import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ExecStream, Sandbox } from '../../../server/sandbox/sandbox.ts';
import { type LocalFixture, localFixture, request, shell, texts } from './support/local.ts';

describe('commands in a local sandbox', () => {
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  before(async () => {
    fixture = await localFixture();
    sandbox = await fixture.provider.create({ taskId: 'exec' });
  });
  after(() => fixture.dispose());

  it('keep stdout, stderr and the exit code apart', async () => {
    assert.deepEqual(await shell(sandbox, 'echo out; echo err >&2; exit 3'), {
      code: 3,
      out: 'out\n',
      err: 'err\n',
    });
  });

  it('get their arguments, environment, folder and input as they are', async () => {
    await sandbox.writeFile({ path: 'sub/here.txt', data: Buffer.from('') });
    const script = 'printf "%s|" "$@"; printf "%s|" "$GREETING" "$PWD"; cat';
    const argv = ['bash', '-c', script, 'bash', '$(id)', 'a b', ''];
    const more = { cwd: 'sub', env: { GREETING: "it's" }, stdin: Buffer.from('typed') };
    const result = await sandbox.exec(request(argv, more));
    assert.deepEqual(
      { exitCode: result.exitCode, ...texts(result) },
      { exitCode: 0, out: "$(id)|a b||it's|/workspace/sub|typed", err: '' },
    );
  });

  it('return bytes exactly, also those that are not text', async () => {
    const bytes = randomBytes(40_000);
    const { stdout } = await sandbox.exec(request(['cat'], { stdin: bytes, maxOutputBytes: 80_000 }));
    assert.deepEqual(Buffer.from(stdout.head), bytes);
  });

  it('do not fail when they leave their input unread', async () => {
    const { exitCode } = await sandbox.exec(request(['true'], { stdin: Buffer.alloc(1 << 20) }));
    assert.equal(exitCode, 0);
  });

  it('that do not exist say so like a shell', async () => {
    const result = await sandbox.exec(request(['no-such-program']));
    assert.deepEqual(
      { exitCode: result.exitCode, reason: result.reason, ...texts(result) },
      { exitCode: 127, reason: 'exit', out: '', err: 'no-such-program: command not found\n' },
    );
  });

  it('in a folder that does not exist are refused, and may be tried again', async () => {
    const asked = request(['pwd'], { cwd: 'not-yet' });
    await assert.rejects(sandbox.exec(asked), { code: 'not-found' });
    await shell(sandbox, 'mkdir not-yet');
    assert.deepEqual(texts(await sandbox.exec(asked)), { out: '/workspace/not-yet\n', err: '' });
  });

  it('return head and tail of long output, and how much is missing', async () => {
    const result = await sandbox.exec(request(['seq', '1', '100000'], { maxOutputBytes: 20 }));
    assert.deepEqual(texts(result), { out: '1\n2\n3\n4\n5\n<588875>99\n100000\n', err: '' });
  });

  it('stream while they run', async () => {
    await shell(sandbox, 'mkfifo gate');
    const seen: ExecStream[] = [];
    const first = Promise.withResolvers<void>();
    const running = sandbox.exec(request(['bash', '-c', 'echo one; cat gate']), {
      onOutput: (chunk) => {
        seen.push(chunk);
        first.resolve();
      },
    });
    await first.promise;
    assert.deepEqual(seen, [{ name: 'stdout', data: Buffer.from('one\n') }]);
    await shell(sandbox, 'echo two > gate');
    assert.deepEqual(texts(await running), { out: 'one\ntwo\n', err: '' });
  });

  it('return what they printed when their time is over, and are dead then with all that they started', async () => {
    const script = 'echo before; sleep 1000 & (setsid sleep 1001 &) ; sleep 1002';
    const result = await sandbox.exec(request(['bash', '-c', script], { timeoutMs: 300 }));
    assert.deepEqual(
      { exitCode: result.exitCode, reason: result.reason, ...texts(result) },
      { exitCode: null, reason: 'timeout', out: 'before\n', err: '' },
    );
    assert.equal((await shell(sandbox, 'pgrep -c sleep')).out, '0\n');
  });

  it('are stopped by a signal, also such that ignore being asked', async () => {
    const stop = new AbortController();
    const script = 'trap "" TERM INT HUP; echo ready; while :; do sleep 100; done';
    const result = await sandbox.exec(request(['bash', '-c', script]), {
      signal: stop.signal,
      onOutput: () => stop.abort(),
    });
    assert.deepEqual(
      { exitCode: result.exitCode, reason: result.reason, ...texts(result) },
      { exitCode: null, reason: 'cancelled', out: 'ready\n', err: '' },
    );
  });

  it('never start once their caller has given up', async () => {
    const result = await sandbox.exec(request(['touch', 'given-up']), { signal: AbortSignal.abort() });
    assert.deepEqual([result.reason, result.exitCode], ['cancelled', null]);
    await assert.rejects(sandbox.readFile('given-up'), { code: 'not-found' });
  });

  it('leave servers running in the background, without waiting for them', async () => {
    const { out, err } = await shell(
      sandbox,
      'while :; do echo tick; sleep 0.02; done & echo started; echo $! > pid',
    );
    assert.equal(out.split('\n').includes('started'), true, err);
    assert.deepEqual(await shell(sandbox, 'sleep 0.1; kill -0 $(cat pid) && echo alive'), {
      code: 0,
      out: 'alive\n',
      err: '',
    });
  });

  it('are killed by the beginning of their id, background and all, and no others', async () => {
    const long = (execId: string) => {
      const printed = Promise.withResolvers<void>();
      const ended = sandbox.exec(request(['bash', '-c', 'echo up; sleep 2000'], { execId }), {
        onOutput: () => printed.resolve(),
      });
      return { printed: printed.promise, ended };
    };
    await sandbox.exec(request(['bash', '-c', 'sleep 2001 &'], { execId: 'kill:background' }));
    const [mine, other] = [long('kill:1'), long('spare:1')];
    await Promise.all([mine.printed, other.printed]);
    await sandbox.killAll('kill:');
    assert.equal((await mine.ended).reason, 'cancelled');
    assert.equal((await shell(sandbox, 'pgrep -a sleep | grep -c 200')).out, '1\n');
    await sandbox.killAll('spare:');
    assert.equal((await other.ended).reason, 'cancelled');
  });

  it('run once for each id: the second time, their output and result are told again', async () => {
    const asked = request(['bash', '-c', 'echo run >> runs; echo out; echo err >&2; exit 4']);
    const first = await sandbox.exec(asked);
    const replayed: string[] = [];
    const second = await sandbox.exec(asked, {
      onOutput: ({ name, data }) => replayed.push(`${name}: ${Buffer.from(data)}`),
    });
    assert.deepEqual(second, first);
    assert.deepEqual(replayed.toSorted(), ['stderr: err\n', 'stdout: out\n']);
    assert.equal(Buffer.from((await sandbox.readFile('runs')).data).toString(), 'run\n');
  });

  it('can be attached to by several callers, each of whom gets all of the output', async () => {
    await shell(sandbox, 'mkfifo several');
    const asked = request(['bash', '-c', 'echo one; cat several; echo run >> several-runs']);
    const listen = () => {
      let text = '';
      const heard = Promise.withResolvers<void>();
      const ended = sandbox.exec(asked, {
        onOutput: ({ data }) => {
          text += Buffer.from(data);
          heard.resolve();
        },
      });
      return { heard: heard.promise, text: () => ended.then(() => text) };
    };
    const early = listen();
    await early.heard;
    const late = listen();
    await late.heard;
    await shell(sandbox, 'echo two > several');
    assert.deepEqual(
      [await early.text(), await late.text(), (await shell(sandbox, 'cat several-runs')).out],
      ['one\ntwo\n', 'one\ntwo\n', 'run\n'],
    );
  });

  it('are slowed down, not buffered, when they print faster than anyone listens', async () => {
    let bytes = 0;
    const result = await sandbox.exec(request(['head', '-c', '50000000', '/dev/zero']), {
      onOutput: ({ data }) => {
        bytes += data.byteLength;
      },
    });
    assert.deepEqual([bytes, result.stdout.omittedBytes], [50_000_000, 50_000_000 - 65_536]);
  });
});
