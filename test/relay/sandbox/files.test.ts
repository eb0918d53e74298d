import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { type LocalFixture, localFixture, shell } from './support/local.ts';

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

describe('files of a local sandbox', () => {
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  before(async () => {
    fixture = await localFixture();
    sandbox = await fixture.provider.create({ taskId: 'files' });
  });
  after(() => fixture.dispose());

  const write = (path: string, text: string, expected?: string | null) =>
    sandbox.writeFile({ path, data: Buffer.from(text), ...(expected === undefined ? {} : { expected }) });
  const read = async (path: string) => Buffer.from((await sandbox.readFile(path)).data).toString();

  it('come back byte for byte, with size and hash, from folders made on the way', async () => {
    const data = randomBytes(3 << 20);
    const written = await sandbox.writeFile({ path: 'deep/er/still/blob.bin', data });
    assert.deepEqual(written, { sha256: sha256(data) });
    assert.deepEqual(await sandbox.readFile('/workspace/deep/er/still/blob.bin'), {
      data,
      size: data.length,
      sha256: sha256(data),
    });
  });

  it('can be read in part, and know the hash of the whole', async () => {
    await write('part.txt', '0123456789');
    const whole = { size: 10, sha256: sha256('0123456789') };
    assert.deepEqual(await sandbox.readFile('part.txt', { offset: 3, length: 4 }), {
      data: Buffer.from('3456'),
      ...whole,
    });
    assert.deepEqual(await sandbox.readFile('part.txt', { offset: 20, length: 4 }), {
      data: Buffer.alloc(0),
      ...whole,
    });
  });

  it('may be empty', async () => {
    await write('empty', '');
    assert.deepEqual(await sandbox.readFile('empty'), { data: Buffer.alloc(0), size: 0, sha256: sha256('') });
  });

  it('keep their mode when they are written again, and nothing is left beside them', async () => {
    await write('tool.sh', 'one');
    await shell(sandbox, 'chmod 755 tool.sh');
    await write('tool.sh', 'two');
    assert.equal((await shell(sandbox, 'stat -c %a tool.sh; ls -a | grep -c handoff')).out, '755\n0\n');
  });

  describe('with an expectation', () => {
    it('are written where it holds', async () => {
      await write('new.txt', 'one', null);
      await write('new.txt', 'two', sha256('one'));
      assert.equal(await read('new.txt'), 'two');
    });
    it('are left alone where it does not', async () => {
      await write('kept.txt', 'mine');
      await assert.rejects(write('kept.txt', 'theirs', sha256('other')), { code: 'changed' });
      await assert.rejects(write('kept.txt', 'theirs', null), { code: 'exists' });
      await assert.rejects(write('missing.txt', 'theirs', sha256('other')), { code: 'changed' });
      assert.equal(await read('kept.txt'), 'mine');
    });
    it('count as done where they have the new content already', async () => {
      await write('again.txt', 'new');
      assert.deepEqual(await write('again.txt', 'new', null), { sha256: sha256('new') });
      assert.deepEqual(await write('again.txt', 'new', sha256('old')), { sha256: sha256('new') });
    });
  });

  it('that are not there, are folders, or neither, say so', async () => {
    await shell(sandbox, 'mkdir -p folder; mkfifo pipe; touch locked; chmod 000 locked');
    await assert.rejects(sandbox.readFile('nowhere/at/all'), { code: 'not-found' });
    await assert.rejects(sandbox.readFile('folder'), { code: 'is-directory' });
    await assert.rejects(write('folder', 'x'), { code: 'is-directory' });
    await assert.rejects(write('.', 'x'), { code: 'is-directory' });
    await assert.rejects(sandbox.readFile('pipe'), { code: 'not-a-file' });
    await assert.rejects(sandbox.readFile('locked'), { code: 'permission' });
    await assert.rejects(write('part.txt/below', 'x'), { code: 'not-found' });
  });

  describe('outside the workspace', () => {
    const ways: Array<[name: string, path: string]> = [
      ['by ".."', '../home/agent/x'],
      ['by ".." in the middle', 'folder/../../etc/passwd'],
      ['by an absolute path', '/etc/passwd'],
      ['by a name that begins like the workspace', '/workspace-other/x'],
      ['through a link to a file', 'link-file'],
      ['through a link to a folder', 'link-folder/x'],
      ['through a link to nothing that is there', 'link-nowhere'],
      ['through a chain of links', 'link-chain/x'],
      ['through a link with ".."', 'link-up/home/agent/x'],
      ['through /proc', 'link-proc/root/etc/passwd'],
    ];
    before(async () => {
      await shell(
        sandbox,
        `ln -s /etc/passwd link-file; ln -s /home/agent link-folder; ln -s /home/agent/not-there link-nowhere
         ln -s link-folder link-chain; ln -s .. link-up; ln -s /proc/self link-proc; echo secret > /home/agent/x`,
      );
    });
    for (const [name, path] of ways) {
      it(`are neither read nor written: ${name}`, async () => {
        await assert.rejects(sandbox.readFile(path), { code: 'outside-workspace' });
        await assert.rejects(write(path, 'overwritten'), { code: 'outside-workspace' });
      });
    }
    it('are untouched after all this', async () => {
      assert.equal((await shell(sandbox, 'cat /home/agent/x; ls /home/agent')).out, 'secret\nx\n');
    });
  });

  it('are reached through links that stay inside, which stay links', async () => {
    await shell(
      sandbox,
      'mkdir -p real; echo old > real/file; ln -s real alias; ln -s /workspace/real/file direct',
    );
    await write('alias/file', 'new');
    await write('direct', 'newer');
    assert.equal(
      (await shell(sandbox, 'cat real/file; readlink alias direct')).out,
      'newerreal\n/workspace/real/file\n',
    );
  });

  it('survive a race against a folder that turns into a link and back', async () => {
    await shell(sandbox, 'mkdir -p race; echo inside > race/x; ln -sfn /home/agent decoy');
    const racing = sandbox.exec({
      execId: 'race',
      argv: ['bash', '-c', 'echo go; while :; do mv race r2; mv decoy race; mv race decoy; mv r2 race; done'],
      timeoutMs: 15_000,
      maxOutputBytes: 1_000,
    });
    const outcomes = new Set<string>();
    for (let round = 0; round < 300; round += 1) {
      outcomes.add(await read('race/x').catch((error) => error.code));
    }
    await sandbox.killAll('race');
    await racing;
    assert.equal(outcomes.has('secret\n'), false);
  });

  it('that the relay keeps in the scratch folder come back whole, in pieces', async () => {
    const data = randomBytes((8 << 20) * 2 + 5);
    await sandbox.putScratch('in.bundle', data);
    assert.deepEqual(await sandbox.getScratch('in.bundle'), data);
    await sandbox.putScratch('empty', Buffer.alloc(0));
    assert.deepEqual(await sandbox.getScratch('empty'), Buffer.alloc(0));
    assert.equal(
      (await shell(sandbox, `stat -c %s ${sandbox.scratchdir}/in.bundle`)).out,
      `${data.length}\n`,
    );
    await assert.rejects(sandbox.getScratch('nothing'), { code: 'not-found' });
    await assert.rejects(sandbox.getScratch('../../etc/passwd'), { code: 'failed' });
  });
});
