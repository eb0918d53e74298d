import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { diskOf } from '../../../server/sandbox/local/disk.ts';

const { signal } = new AbortController();

describe('what a local sandbox has on disk', () => {
  let folder: string;
  beforeEach(() => {
    // Not the temporary folder, which may be memory.
    folder = fs.mkdtempSync('/var/tmp/handoff-disk-');
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** Looks by way of a program in place of the one that makes a namespace. */
  const lookingBy = (script: string, patience?: number) => {
    const unshare = join(folder, 'unshare');
    fs.writeFileSync(unshare, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const host = { setpriv: undefined, mounting: { unshare, sh: '', mount: '' } };
    return diskOf(host, folder, undefined, signal, patience);
  };
  const plainly = { setpriv: undefined, mounting: undefined };

  it('is measured however many files went away meanwhile, each with a complaint', async () => {
    const script = 'head -c 3000000 /dev/zero >&2; printf "2048\\t/x\\n"; exit 1';
    assert.deepEqual(await lookingBy(script), { disk: 2, files: 2048 });
  });

  it('is not known where nothing was said, and is said to take too long where it does', async () => {
    assert.deepEqual(await lookingBy('rm -r "$(dirname "$0")"; exit 1'), undefined);
    fs.mkdirSync(folder);
    assert.deepEqual(await lookingBy('exec sleep 1000', 100), 'too-long');
  });

  it('includes empty files', async () => {
    for (let n = 0; n < 100; n += 1) fs.writeFileSync(join(folder, String(n)), '');
    const look = await diskOf(plainly, folder, undefined, signal);
    assert.equal(typeof look === 'object' && look.files, 101);
  });

  it('includes what its processes hold open after it was removed, once, but not what is memory', async () => {
    const script = `
const fs = require('node:fs');
const hold = (path, mib) => {
  const fd = fs.openSync(path, 'w+');
  fs.writeSync(fd, Buffer.alloc(mib << 20, 1));
  fs.fsyncSync(fd);
  fs.unlinkSync(path);
  return fd;
};
const fd = hold('${folder}/f', 20);
if (fs.existsSync('/dev/shm')) hold('/dev/shm/handoff-' + process.pid, 30);
const child = require('node:child_process').spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
child.once('spawn', () => console.log(child.pid));`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [child] = await once(holder.stdout, 'data');
    try {
      const [named, all] = [
        await diskOf(plainly, folder, undefined, signal),
        await diskOf(plainly, folder, holder.pid, signal),
      ];
      if (typeof named !== 'object' || typeof all !== 'object') assert.fail('it was not measured');
      const [disk, files] = [Math.round(all.disk - named.disk), all.files - named.files];
      assert.deepEqual({ disk, files }, { disk: 20, files: 1 });
    } finally {
      process.kill(Number(child));
      holder.kill();
    }
  });
});
