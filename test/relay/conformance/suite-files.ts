import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

const MIB = 1 << 20;
const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Files of the workspace, and those that the relay keeps beside it. */
export const files: Topic = (fixture) => {
  const machine = machineFor(fixture);
  const write = (path: string, text: string, expected?: string | null) =>
    machine().writeFile({ path, data: Buffer.from(text), ...(expected === undefined ? {} : { expected }) });
  const read = async (path: string) => String(Buffer.from((await machine().readFile(path)).data));

  it('come back byte for byte, with size and hash, from folders made on the way', async () => {
    const data = randomBytes(3 * MIB);
    assert.deepEqual(await machine().writeFile({ path: 'deep/er/still/blob.bin', data }), {
      sha256: sha256(data),
    });
    assert.deepEqual(await machine().readFile(`${machine().workdir}/deep/er/still/blob.bin`), {
      data,
      size: data.length,
      sha256: sha256(data),
    });
  });

  it('are the same for commands', async () => {
    await write('seen.txt', 'by both');
    const { out } = await shell(machine(), 'cat seen.txt; printf command > seen.txt');
    assert.deepEqual([out, await read('seen.txt')], ['by both', 'command']);
  });

  it('can be read in part, and know the hash of the whole', async () => {
    await write('part.txt', '0123456789');
    const whole = { size: 10, sha256: sha256('0123456789') };
    const part = (offset: number, length: number) => machine().readFile('part.txt', { offset, length });
    assert.deepEqual(await part(3, 4), { data: Buffer.from('3456'), ...whole });
    assert.deepEqual(await part(8, 40), { data: Buffer.from('89'), ...whole });
    assert.deepEqual(await part(20, 4), { data: Buffer.alloc(0), ...whole });
  });

  it('may be empty', async () => {
    await write('empty', '');
    assert.deepEqual(await machine().readFile('empty'), {
      data: Buffer.alloc(0),
      size: 0,
      sha256: sha256(''),
    });
  });

  it('keep their mode when they are written again, and nothing is left beside them', async () => {
    await write('own/tool.sh', 'one');
    await shell(machine(), 'chmod 755 own/tool.sh');
    await write('own/tool.sh', 'two');
    assert.equal((await shell(machine(), 'stat -c %a own/tool.sh; ls -A own')).out, '755\ntool.sh\n');
  });

  it('are replaced whole: who has the old one open goes on reading that', async () => {
    await write('replaced.txt', 'old');
    await shell(machine(), 'mkfifo turn');
    const heard = Promise.withResolvers<void>();
    const reading = machine().exec(
      request(['bash', '-c', 'exec 3<replaced.txt; echo open; cat turn; cat <&3']),
      { onOutput: () => heard.resolve() },
    );
    await heard.promise;
    await write('replaced.txt', 'a longer new one');
    await shell(machine(), 'echo go > turn');
    assert.equal(texts(await reading).out, 'open\ngo\nold');
  });

  it('are found a hundred folders deep', async () => {
    const path = `${Array.from({ length: 100 }, (_, at) => `level-${at}`).join('/')}/file.txt`;
    await write(path, 'deep down');
    assert.equal(await read(path), 'deep down');
    assert.equal((await shell(machine(), 'cat "$(find level-0 -type f)"')).out, 'deep down');
  });

  describe('with an expectation', () => {
    it('are written where it holds', async () => {
      await write('new.txt', 'one', null);
      await write('new.txt', 'two', sha256('one'));
      assert.equal(await read('new.txt'), 'two');
    });
    it('are left alone where they changed since', async () => {
      await write('kept.txt', 'mine');
      await assert.rejects(write('kept.txt', 'theirs', sha256('other')), { code: 'changed' });
      assert.equal(await read('kept.txt'), 'mine');
    });
    it('are left alone where they should not exist', async () => {
      await write('there.txt', 'mine');
      await assert.rejects(write('there.txt', 'theirs', null), { code: 'exists' });
      assert.equal(await read('there.txt'), 'mine');
    });
    it('are not made where they were removed', async () => {
      await assert.rejects(write('missing.txt', 'theirs', sha256('other')), { code: 'changed' });
      await assert.rejects(read('missing.txt'), { code: 'not-found' });
    });
    it('count as done where they have the new content already', async () => {
      await write('again.txt', 'new');
      assert.deepEqual(await write('again.txt', 'new', null), { sha256: sha256('new') });
      assert.deepEqual(await write('again.txt', 'new', sha256('old')), { sha256: sha256('new') });
    });
    it('are made by one of many who want to be the first', async () => {
      const tries = await Promise.allSettled(
        Array.from({ length: 20 }, (_, at) => write('race.txt', `number ${at}`, null)),
      );
      assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
    });
  });

  describe('of a hundred megabytes', () => {
    const size = 100_000_000;
    before(async () => {
      await shell(machine(), `yes 0123456789 | head -c ${size} > big`, { timeoutMs: 60_000 });
    });

    it('are refused by the tools as a whole, and read in part', async () => {
      await assert.rejects(machine().readFile('big'), { code: 'too-large' });
      const { data, size: whole } = await machine().readFile('big', { offset: size - 4, length: 4 });
      assert.deepEqual([String(Buffer.from(data)), whole], [tailOf(size), size]);
    });
    it('are written by commands only', async () => {
      const data = Buffer.alloc(65 * MIB);
      await assert.rejects(machine().writeFile({ path: 'large', data }), { code: 'too-large' });
      await assert.rejects(machine().readFile('large'), { code: 'not-found' });
    });
    it('go out and in again as the relay’s own', async () => {
      const { scratchdir } = machine();
      await shell(machine(), `cp big ${scratchdir}/out`, { timeoutMs: 60_000 });
      const data = await machine().getScratch('out');
      await machine().putScratch('in', data);
      const same = await shell(machine(), `cmp ${scratchdir}/in big && rm big ${scratchdir}/*`);
      assert.deepEqual([data.length, same], [size, { code: 0, out: '', err: '' }]);
    });
  });

  it('of the relay come back whole, are no part of the workspace, and may be replaced', async () => {
    const data = randomBytes(17 * MIB + 5);
    await machine().putScratch('in.bundle', Buffer.from('an older one'));
    await machine().putScratch('in.bundle', data);
    assert.ok(Buffer.from(await machine().getScratch('in.bundle')).equals(data));
    assert.deepEqual((await machine().glob({ pattern: '**/in.bundle', limit: 10 })).matches, []);
    assert.equal(
      (await shell(machine(), `stat -c %s ${machine().scratchdir}/in.bundle`)).out,
      `${data.length}\n`,
    );
  });

  it('of the relay may be empty; of another name, or none, they are refused', async () => {
    await machine().putScratch('empty', Buffer.alloc(0));
    assert.equal((await machine().getScratch('empty')).byteLength, 0);
    await assert.rejects(machine().getScratch('nothing'), { code: 'not-found' });
    for (const name of ['', '.', '..', '../../etc/passwd', 'a/b', 'a\0b']) {
      await assert.rejects(machine().getScratch(name), { code: 'failed' });
      await assert.rejects(machine().putScratch(name, Buffer.from('x')), { code: 'failed' });
    }
  });
};

/** The last four bytes of so many of `0123456789\n`, again and again. */
function tailOf(size: number): string {
  return Array.from({ length: 4 }, (_, at) => '0123456789\n'[(size - 4 + at) % 11]).join('');
}
