import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

const MIB = 1 << 20;

/** What a command printed: exactly, bounded, and all of it afterwards. */
export const output: Topic = (fixture) => {
  const machine = machineFor(fixture);
  const printing = (bytes: Uint8Array, maxOutputBytes: number) =>
    machine().exec(request(['cat'], { stdin: bytes, maxOutputBytes }));

  it('is returned byte for byte, also where it is no text', async () => {
    const bytes = Buffer.concat([Buffer.from([0, 10, 13, 27, 0x80, 0xff, 13, 10]), randomBytes(200_000)]);
    const { stdout } = await printing(bytes, 500_000);
    assert.deepEqual(Buffer.from(stdout.head), bytes);
  });

  it('is neither begun nor ended with anything that was not printed', async () => {
    const said = await shell(machine(), 'printf "no newline"; printf "\\033[31mred\\r" >&2');
    assert.deepEqual(said, { code: 0, out: 'no newline', err: '\u001b[31mred\r' });
  });

  it('comes at once, also when a line is not finished', async () => {
    await shell(machine(), 'mkfifo unfinished');
    const heard = Promise.withResolvers<string>();
    const running = machine().exec(request(['bash', '-c', 'printf "Continue? "; cat unfinished']), {
      onOutput: ({ data }) => heard.resolve(String(Buffer.from(data))),
    });
    assert.equal(await heard.promise, 'Continue? ');
    await shell(machine(), 'echo yes > unfinished');
    assert.equal(texts(await running).out, 'Continue? yes\n');
  });

  it('is streamed byte for byte, each stream in its order', async () => {
    const bytes = randomBytes(3 * MIB);
    const heard: Buffer[] = [];
    const asked = request(['cat'], { stdin: bytes, maxOutputBytes: 0 });
    await machine().exec(asked, { onOutput: ({ data }) => heard.push(Buffer.from(data)) });
    assert.ok(Buffer.concat(heard).equals(bytes));
  });

  it('is returned in one large piece where that was asked for', async () => {
    const bytes = randomBytes(3 * MIB);
    const { stdout } = await printing(bytes, 2 * bytes.length);
    assert.ok(Buffer.from(stdout.head).equals(bytes));
    assert.deepEqual([stdout.tail.byteLength, stdout.omittedBytes], [0, 0]);
  });

  it('keeps its head and its tail where it is longer than asked for, and says how much is missing', async () => {
    const result = await machine().exec(request(['seq', '1', '100000'], { maxOutputBytes: 20 }));
    assert.deepEqual(texts(result), { out: '1\n2\n3\n4\n5\n<588875>99\n100000\n', err: '' });
  });

  for (const [limit, expected] of [
    [0, '<10>'],
    [1, '0<9>'],
    [7, '0123<3>789'],
    [9, '01234<1>6789'],
    [10, '0123456789'],
    [11, '0123456789'],
  ] as const) {
    it(`of 10 bytes is ${expected} with room for ${limit}, on either stream`, async () => {
      const script = 'printf 0123456789; printf 0123456789 >&2';
      const result = await machine().exec(request(['bash', '-c', script], { maxOutputBytes: limit }));
      assert.deepEqual(texts(result), { out: expected, err: expected });
    });
  }

  it('slows a command down that prints faster than anyone listens, instead of piling up', async () => {
    let bytes = 0;
    const result = await machine().exec(request(['head', '-c', '50000000', '/dev/zero']), {
      onOutput: ({ data }) => {
        bytes += data.byteLength;
      },
    });
    assert.deepEqual([bytes, result.stdout.omittedBytes], [50_000_000, 50_000_000 - 65_536]);
  });

  describe('read afterwards', () => {
    const asked = request(['bash', '-c', 'seq 1 2000000; seq 1 5 >&2'], { maxOutputBytes: 10 });
    const whole = Buffer.from(`${Array.from({ length: 2_000_000 }, (_, at) => at + 1).join('\n')}\n`);
    before(async () => {
      await machine().exec(asked);
    });
    const part = async (stream: 'stdout' | 'stderr', offset: number, length: number) => {
      const { data, size } = await machine().readOutput(asked.execId, stream, { offset, length });
      return { data: Buffer.from(data), size };
    };

    it('is there as a whole, beyond what one answer of the machine holds', async () => {
      const { data, size } = await part('stdout', 0, whole.length + 10);
      assert.ok(data.equals(whole));
      assert.equal(size, whole.length);
    });
    it('is there in any part, each stream by itself', async () => {
      const size = whole.length;
      const around = (offset: number, length: number) => ({
        data: whole.subarray(offset, offset + length),
        size,
      });
      assert.deepEqual(await part('stdout', 0, 1), around(0, 1));
      assert.deepEqual(await part('stdout', 7_654_321, 1_000), around(7_654_321, 1_000));
      assert.deepEqual(await part('stdout', size - 3, 10), around(size - 3, 10));
      assert.deepEqual(await part('stderr', 2, 4), { data: Buffer.from('2\n3\n'), size: 10 });
    });
    it('has nothing behind its end, and nothing where nothing was asked for', async () => {
      const empty = Buffer.alloc(0);
      assert.deepEqual(await part('stdout', whole.length, 10), { data: empty, size: whole.length });
      assert.deepEqual(await part('stdout', 10 * whole.length, 10), { data: empty, size: whole.length });
      assert.deepEqual(await part('stderr', 3, 0), { data: empty, size: 10 });
    });
    it('refuses a range that is none, and a command that never was', async () => {
      await assert.rejects(part('stdout', -1, 10), { code: 'failed' });
      await assert.rejects(part('stdout', 0, 0.5), { code: 'failed' });
      const unknown = machine().readOutput('turn:unknown', 'stdout', { offset: 0, length: 1 });
      await assert.rejects(unknown, { code: 'not-found' });
    });
  });

  it('can be read while the command runs, as far as it has come', async () => {
    await shell(machine(), 'mkfifo more');
    const heard = Promise.withResolvers<void>();
    const asked = request(['bash', '-c', 'printf one; cat more'], { maxOutputBytes: 0 });
    const running = machine().exec(asked, { onOutput: () => heard.resolve() });
    await heard.promise;
    const soFar = () => machine().readOutput(asked.execId, 'stdout', { offset: 0, length: 100 });
    assert.deepEqual(await soFar(), { data: Buffer.from('one'), size: 3 });
    await shell(machine(), 'printf two > more');
    await running;
    assert.deepEqual(await soFar(), { data: Buffer.from('onetwo'), size: 6 });
  });

  it('of a command that printed nothing is empty, not missing', async () => {
    const quiet = request(['true']);
    await machine().exec(quiet);
    const read = await machine().readOutput(quiet.execId, 'stderr', { offset: 0, length: 100 });
    assert.deepEqual(read, { data: Buffer.alloc(0), size: 0 });
  });
};
