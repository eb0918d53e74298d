import assert from 'node:assert/strict';
import { endMarked, marking } from '../../../server/agent/agents/marked-commands.ts';
import type { ExecStream } from '../../../server/sandbox/sandbox.ts';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

/** How a command is started, heard, and ended. */
export const commands: Topic = (fixture) => {
  const machine = machineFor(fixture);

  it('keeps stdout, stderr and the exit code apart', async () => {
    assert.deepEqual(await shell(machine(), 'echo out; echo err >&2; exit 3'), {
      code: 3,
      out: 'out\n',
      err: 'err\n',
    });
  });

  it('gives arguments, environment, folder and input to a command as they are', async () => {
    const sandbox = machine();
    await sandbox.writeFile({ path: 'sub/here.txt', data: Buffer.from('') });
    const script = 'printf "%s|" "$@"; printf "%s|" "$GREETING" "$PWD"; cat';
    const argv = ['bash', '-c', script, 'bash', '$(id)', 'a b', '', '-n', 'é\n"'];
    const more = { cwd: 'sub', env: { GREETING: "it's" }, stdin: Buffer.from('typed') };
    const result = await sandbox.exec(request(argv, more));
    assert.deepEqual(
      { exitCode: result.exitCode, ...texts(result) },
      { exitCode: 0, out: `$(id)|a b||-n|é\n"|it's|${sandbox.workdir}/sub|typed`, err: '' },
    );
  });

  it('starts in the workspace, or in an absolute folder', async () => {
    const where = async (more: object) => texts(await machine().exec(request(['pwd', '-P'], more))).out;
    assert.deepEqual([await where({}), await where({ cwd: '/tmp' })], [`${machine().workdir}\n`, '/tmp\n']);
  });

  it('has one environment for all commands, with a home, a path, and no word of the relay', async () => {
    const { out } = await shell(
      machine(),
      '[ -w "$HOME" ] && command -v git rg bash | wc -l; env | cut -d= -f1',
    );
    const [tools, ...names] = out.trim().split('\n');
    assert.equal(tools, '3');
    const expected = ['HANDOFF_EXEC_ID', 'HOME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'SHELL', 'SHLVL', 'TERM'];
    assert.deepEqual(names.filter((name) => name !== '_').toSorted(), [...expected, 'TMPDIR', 'USER']);
  });

  it('takes megabytes of input, and does not mind when they are left unread', async () => {
    const stdin = Buffer.alloc(5 << 20, 'x');
    const read = await machine().exec(request(['wc', '-c'], { stdin }));
    const unread = await machine().exec(request(['true'], { stdin }));
    assert.deepEqual([texts(read).out.trim(), unread.exitCode], [String(stdin.length), 0]);
  });

  it('gives a command without input the end of it', async () => {
    assert.deepEqual(texts(await machine().exec(request(['cat']))), { out: '', err: '' });
  });

  it('says like a shell that a program does not exist, may not be run, or was not named', async () => {
    await shell(machine(), 'echo text > plain.txt');
    const said = async (argv: string[]) => {
      const result = await machine().exec(request(argv));
      return { code: result.exitCode, reason: result.reason, err: texts(result).err };
    };
    assert.deepEqual(
      [await said(['no-such-program']), await said(['./plain.txt'])],
      [
        { code: 127, reason: 'exit', err: 'no-such-program: command not found\n' },
        { code: 127, reason: 'exit', err: './plain.txt: permission denied\n' },
      ],
    );
  });

  it('refuses a command without a program, and one with a NUL in it, by an error that says so', async () => {
    await assert.rejects(machine().exec(request([])), { code: 'failed', message: /names no program/ });
    await assert.rejects(machine().exec(request([''])), { code: 'failed', message: /names no program/ });
    await assert.rejects(machine().exec(request(['echo', 'a\0b'])), { code: 'failed', message: /NUL/ });
    await assert.rejects(machine().exec(request(['true'], { env: { A: 'a\0b' } })), {
      code: 'failed',
      message: /NUL/,
    });
    await assert.rejects(machine().exec(request(['true'], { cwd: 'a\0b' })), {
      code: 'failed',
      message: /NUL/,
    });
  });

  it('says that arguments are too long, and takes an environment of a hundred kilobytes', async () => {
    const long = 'x'.repeat(3 << 20);
    const tooLong = await machine().exec(request(['echo', long]));
    assert.deepEqual([tooLong.exitCode, texts(tooLong).err], [127, 'echo: argument list too long\n']);
    const env = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`BIG_${at}`, 'y'.repeat(1_000)]));
    const { out } = await shell(machine(), 'env | grep -c ^BIG_; printf %s "$BIG_99" | wc -c', { env });
    assert.equal(out, '100\n1000\n');
  });

  it('refuses a folder that does not exist or is a file, and the same command may be tried again', async () => {
    const asked = request(['pwd'], { cwd: 'not-yet' });
    await assert.rejects(machine().exec(asked), { code: 'not-found' });
    await shell(machine(), 'touch a-file; mkdir not-yet');
    await assert.rejects(machine().exec(request(['pwd'], { cwd: 'a-file' })), { code: 'not-found' });
    assert.deepEqual(texts(await machine().exec(asked)).out, `${machine().workdir}/not-yet\n`);
  });

  it('streams output while a command runs', async () => {
    await shell(machine(), 'mkfifo gate');
    const seen: ExecStream[] = [];
    const first = Promise.withResolvers<void>();
    const running = machine().exec(request(['bash', '-c', 'echo one; cat gate; echo three >&2']), {
      onOutput: (chunk) => {
        seen.push(chunk);
        first.resolve();
      },
    });
    await first.promise;
    assert.deepEqual(seen, [{ name: 'stdout', data: Buffer.from('one\n') }]);
    await shell(machine(), 'echo two > gate');
    assert.deepEqual(texts(await running), { out: 'one\ntwo\n', err: 'three\n' });
    assert.deepEqual(seen.at(-1), { name: 'stderr', data: Buffer.from('three\n') });
  });

  it('returns what was printed when time is over, and everything that was started is dead then', async () => {
    const script = 'echo before; echo there >&2; sleep 1000 & (setsid sleep 1001 &) ; sleep 1002';
    const result = await machine().exec(request(['bash', '-c', script], { timeoutMs: 1_000 }));
    assert.deepEqual(
      { exitCode: result.exitCode, reason: result.reason, ...texts(result) },
      { exitCode: null, reason: 'timeout', out: 'before\n', err: 'there\n' },
    );
    assert.equal((await shell(machine(), 'pgrep -fc "^sleep 100[0-2]"')).out, '0\n');
  });

  it('stops a command by a signal, also one that ignores being asked', async () => {
    const stop = new AbortController();
    const script = 'trap "" TERM INT HUP; echo ready; while :; do sleep 100; done';
    const result = await machine().exec(request(['bash', '-c', script]), {
      signal: stop.signal,
      onOutput: () => stop.abort(),
    });
    assert.deepEqual(
      { exitCode: result.exitCode, reason: result.reason, ...texts(result) },
      { exitCode: null, reason: 'cancelled', out: 'ready\n', err: '' },
    );
  });

  it('never starts a command whose caller has given up', async () => {
    const result = await machine().exec(request(['touch', 'given-up']), { signal: AbortSignal.abort() });
    assert.deepEqual([result.reason, result.exitCode], ['cancelled', null]);
    await assert.rejects(machine().readFile('given-up'), { code: 'not-found' });
  });

  it('leaves servers running in the background, without waiting for them', async () => {
    const script = 'while :; do echo tick; sleep 0.02; done & echo started; echo $! > pid';
    const { out } = await shell(machine(), script);
    assert.ok(out.split('\n').includes('started'), out);
    const alive = await shell(machine(), 'sleep 0.1; kill -0 $(cat pid) && echo alive; kill $(cat pid)');
    assert.deepEqual(alive, { code: 0, out: 'alive\n', err: '' });
  });

  it('kills by the beginning of an id, background and all, and nothing else', async () => {
    const long = (execId: string) => {
      const printed = Promise.withResolvers<void>();
      const ended = machine().exec(request(['bash', '-c', 'echo up; sleep 2000'], { execId }), {
        onOutput: () => printed.resolve(),
      });
      return { printed: printed.promise, ended };
    };
    await machine().exec(request(['bash', '-c', 'sleep 2001 &'], { execId: 'kill:background' }));
    const [mine, other] = [long('kill:1'), long('spare:1')];
    await Promise.all([mine.printed, other.printed]);
    await machine().killAll('kill:');
    assert.equal((await mine.ended).reason, 'cancelled');
    assert.equal((await shell(machine(), 'pgrep -fc "^sleep 200"')).out, '1\n');
    await machine().killAll('spare:');
    await machine().killAll('nobody:');
    assert.equal((await other.ended).reason, 'cancelled');
  });

  it('kills by an id that ends in a number no command whose number only begins with it', async () => {
    const script = 'echo up; exec sleep 2002';
    const begun = ['whole:c1', 'whole:c1:hook:0', 'whole:c10', 'whole:c12:hook:0'].map((execId) => {
      const printed = Promise.withResolvers<void>();
      const asked = request(['bash', '-c', script], { execId });
      return {
        printed: printed.promise,
        ended: machine().exec(asked, { onOutput: () => printed.resolve() }),
      };
    });
    await Promise.all(begun.map(({ printed }) => printed));
    await machine().killAll('whole:c1');
    const [call, hook, ...others] = begun.map(({ ended }) => ended);
    assert.deepEqual([(await call)?.reason, (await hook)?.reason], ['cancelled', 'cancelled']);
    assert.equal((await shell(machine(), 'pgrep -fxc "sleep 2002"')).out, '2\n');
    await machine().killAll('whole:');
    assert.deepEqual(
      (await Promise.all(others)).map(({ reason }) => reason),
      ['cancelled', 'cancelled'],
    );
  });

  it('lets all be found that a marked command left, although nothing else tells whose it is', async () => {
    const leaves = (name: string) =>
      `(env -i setsid bash -c 'echo $$ >${name}; exec sleep 2003' >/dev/null 2>&1 &); until [ -s ${name} ]; do sleep 0.01; done`;
    await shell(machine(), leaves('unmarked'));
    await marking(machine()).exec(request(['bash', '-c', leaves('marked')], { execId: 'marked:1' }));
    await machine().killAll('marked:1');
    const alive =
      'for name in marked unmarked; do kill -0 $(cat $name) 2>/dev/null && echo $name; done; true';
    assert.equal((await shell(machine(), alive)).out, 'marked\nunmarked\n');
    await endMarked(machine());
    assert.equal((await shell(machine(), `${alive}; kill $(cat unmarked)`)).out, 'unmarked\n');
  });

  it('tells the death of a command by its own signal as an end without a code', async () => {
    const { exitCode, reason } = await machine().exec(request(['bash', '-c', 'kill -9 $$']));
    assert.deepEqual({ exitCode, reason }, { exitCode: null, reason: 'exit' });
  });

  it('runs fifty commands at once, each with its own output', async () => {
    const numbers = Array.from({ length: 50 }, (_, at) => at);
    const outputs = await Promise.all(
      numbers.map((at) => shell(machine(), `echo out ${at}; sleep 0.05; echo err ${at} >&2; exit ${at}`)),
    );
    assert.deepEqual(
      outputs,
      numbers.map((at) => ({ code: at, out: `out ${at}\n`, err: `err ${at}\n` })),
    );
  });
};
