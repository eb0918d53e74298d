import assert from 'node:assert/strict';
import { SandboxError } from '../../../../server/sandbox/sandbox.ts';
import { request, texts } from '../support/local.ts';
import { type Check, codeOf } from './stage.ts';

/** Attempts to take the host down by taking all of it. */
export const LIMIT_CHECKS: Check[] = [
  {
    name: 'memory-backed folders: bytes and inodes are bounded',
    async run({ sh, py }) {
      const { err } = await sh('head -c 300M /dev/zero > /dev/shm/x; rm -f /dev/shm/x');
      assert.match(err, /No space left/);
      assert.equal(
        await py(`
v = {path: os.statvfs(path) for path in ('/tmp', '/dev/shm')}
every({path: str(one.f_blocks * one.f_frsize >> 20) + 'MiB,' + str(0 < one.f_files < 100000000) for path, one in v.items()})`),
        '/tmp=1024MiB,True /dev/shm=256MiB,True',
      );
    },
  },
  {
    name: 'one endless file',
    async run({ py }) {
      assert.equal(
        await py(`
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
every({'within': attempt(lambda: os.truncate(os.open('big', os.O_CREAT | os.O_WRONLY), 8 << 30)), 'beyond': attempt(lambda: os.truncate('big', (8 << 30) + 1)), 'removed': attempt(lambda: os.remove('big'))})`),
        'within=ok beyond=EFBIG removed=ok',
      );
    },
  },
  {
    name: 'endless open files',
    async run({ py }) {
      assert.equal(
        await py(`
import resource
opened = []
def more():
    for _ in range(20000): opened.append(os.open('/dev/null', os.O_RDONLY))
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
print(attempt(more), hard)`),
        'EMFILE 16384',
      );
    },
  },
  {
    name: 'endless memory: what `caps` says holds',
    async run({ provider, sh }) {
      const sandbox = await provider.create({ taskId: 'memory', resources: { memoryMiB: 256 } });
      const hog =
        'import time\\nhog = []\\nfor _ in range(40): hog.append(bytearray(b"x") * (16 << 20))\\nprint("had it all", flush=True)\\ntime.sleep(100)';
      const result = await sandbox
        .exec(request(['/usr/bin/python3', '-c', hog.replaceAll('\\n', '\n')], { timeoutMs: 110_000 }))
        .then(
          (ended) => ({ reason: ended.exitCode === 0 ? 'ended well' : 'stopped', out: texts(ended).out }),
          (error: unknown) => ({
            reason: error instanceof SandboxError ? 'stopped' : String(error),
            out: '',
          }),
        );
      // By force it never gets there; where it is watched, it does not stay there.
      assert.deepEqual(result, { reason: 'stopped', out: sandbox.caps.limits.memory ? '' : result.out });
      await provider.destroy(sandbox.ref);
      assert.equal((await sh('echo others live')).out, 'others live\n');
    },
  },
  {
    name: 'endless disk: it is stopped past its limit, and its files are kept',
    async run({ provider, sh }) {
      const sandbox = await provider.create({ taskId: 'disk', resources: { diskMiB: 64 } });
      const hog = 'echo kept > note; head -c 200M /dev/zero > big; echo "had it all"; sleep 100';
      const ended = await codeOf(sandbox.exec(request(['bash', '-c', hog], { timeoutMs: 110_000 })));
      assert.equal(ended, 'limit');
      assert.equal((await sh('cat note', await provider.resume(sandbox.ref))).out, 'kept\n');
      await provider.destroy(sandbox.ref);
    },
  },
  {
    name: 'a fork bomb: it is over when its time is',
    async run({ hostile, victim, sh }) {
      const bomb = ':(){ :|:& };: ; echo lit; sleep 100';
      const result = await hostile.exec(
        request(['bash', '-c', bomb], { timeoutMs: 1_500, maxOutputBytes: 1_000 }),
      );
      assert.equal(result.reason, 'timeout');
      await hostile.killAll('');
      assert.equal((await sh(`ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 12)}'`)).out, '1\n');
      assert.equal((await sh('echo others live', victim)).out, 'others live\n');
    },
  },
  {
    name: 'endless output: the relay keeps what was asked for',
    async run({ hostile }) {
      const result = await hostile.exec(
        request(['bash', '-c', 'head -c 50000000 /dev/zero'], { maxOutputBytes: 1_000 }),
      );
      assert.deepEqual(
        [
          result.exitCode,
          result.stdout.head.byteLength + result.stdout.tail.byteLength,
          result.stdout.omittedBytes,
        ],
        [0, 1_000, 50_000_000 - 1_000],
      );
    },
  },
];
