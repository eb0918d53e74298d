import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { type DaytonaFixture, daytonaFixture } from './support/provider.ts';

/** What is known to go wrong with commands by Daytona's own means, and so does not go by them. */
describe('traps of Daytona that are not stepped into', () => {
  let fixture: DaytonaFixture;
  let sandbox: Sandbox;
  before(async () => {
    fixture = await daytonaFixture();
    sandbox = await fixture.relay().create({ taskId: 'traps' });
  });
  after(() => fixture.dispose());

  it('stdout and stderr in one: they are apart, while they come and afterwards', async () => {
    const heard = { stdout: '', stderr: '' };
    const result = await sandbox.exec(request(['bash', '-c', 'printf out; sleep 0.1; printf err >&2']), {
      onOutput: ({ name, data }) => {
        heard[name] += Buffer.from(data);
      },
    });
    assert.deepEqual(
      { heard, ...texts(result) },
      { heard: { stdout: 'out', stderr: 'err' }, out: 'out', err: 'err' },
    );
  });

  it('lines that are held back until they end: a part of one is heard at once', async () => {
    const first = Promise.withResolvers<string>();
    const running = sandbox.exec(
      request(['bash', '-c', 'printf partial; until [ -e go ]; do sleep 0.02; done; printf " and rest"']),
      { onOutput: ({ data }) => first.resolve(Buffer.from(data).toString()) },
    );
    assert.equal(await first.promise, 'partial');
    await shell(sandbox, 'touch go');
    assert.deepEqual(texts(await running), { out: 'partial and rest', err: '' });
  });

  it('bytes that are not text, and the marks of Daytona’s own streams: they are as they were', async () => {
    const bytes = Buffer.concat([
      Buffer.from([1, 1, 1, 2, 2, 2, 0, 255]),
      randomBytes(100_000),
      Buffer.from([13]),
    ]);
    const { stdout } = await sandbox.exec(request(['cat'], { stdin: bytes, maxOutputBytes: 1 << 20 }));
    assert.ok(Buffer.from(stdout.head).equals(bytes.subarray(0, stdout.head.byteLength)));
    assert.equal(stdout.head.byteLength, bytes.length);
  });

  it('a piece of 8 MB at once, which breaks the SDK’s reader of logs: it is whole', async () => {
    const hash = createHash('sha256');
    let size = 0;
    const script =
      'const b = Buffer.alloc(8 << 20, "ab\\n"); require("fs").writeSync(1, b); process.stdout.write("end")';
    const result = await sandbox.exec(request(['node', '-e', script]), {
      onOutput: ({ data }) => {
        hash.update(data);
        size += data.byteLength;
      },
    });
    const expected = Buffer.concat([Buffer.alloc(8 << 20, 'ab\n'), Buffer.from('end')]);
    assert.deepEqual(
      { size, hash: hash.digest('hex'), exitCode: result.exitCode },
      { size: expected.length, hash: createHash('sha256').update(expected).digest('hex'), exitCode: 0 },
    );
    const big = randomBytes(20 << 20);
    await sandbox.writeFile({ path: 'big', data: big });
    assert.ok(big.equals(Buffer.from((await sandbox.readFile('big')).data)));
    await sandbox.putScratch('big', big);
    assert.ok(big.equals(Buffer.from(await sandbox.getScratch('big'))));
  });

  it('links that expire, Git with credentials, sessions: nothing of it is ever asked for', () => {
    assert.deepEqual([...new Set(fixture.double.requests)].toSorted(), [
      'GET /sandbox/:',
      'GET /sandbox/:/ports/:/preview-url',
      'POST /sandbox',
      'POST /toolbox/files/bulk-upload',
      'POST /toolbox/process/execute',
    ]);
    assert.deepEqual(fixture.double.problems, []);
  });

  it('credentials in a machine: there are none of Daytona’s, in no variable, process or file', async () => {
    // Nowhere else can anything of the machine be written: its /tmp is that of whoever runs the tests, to read.
    const places = '/proc/[0-9]*/environ /proc/[0-9]*/cmdline ~ /dev/shm';
    const { previewToken } = fixture.double.world.sandbox(sandbox.ref.id);
    const isThere = async (text: string): Promise<boolean> =>
      // The pattern comes by stdin, so that it is in no command line either.
      (await shell(sandbox, `LC_ALL=C grep -rlsaF -f - ${places}`, { stdin: Buffer.from(text) })).out !== '';
    assert.deepEqual(
      [
        await isThere('HOME=/home/daytona'),
        await isThere(fixture.double.apiKey),
        await isThere(previewToken),
      ],
      [true, false, false],
    );
  });

  it('the key of the supervisor: its machine’s user alone has it, and no snapshot of the machine', async () => {
    const { out } = await shell(sandbox, 'stat -c %a /dev/shm/handoff-* /dev/shm/handoff-*/supervisor.json');
    assert.equal(out, '700\n600\n');
    const found = await shell(
      sandbox,
      'sed "s/.*key.:.//;s/.}$//" /dev/shm/handoff-*/supervisor.json | LC_ALL=C grep -rlsaF -f - ~',
    );
    assert.deepEqual(found, { code: 1, out: '', err: '' });
  });
});
