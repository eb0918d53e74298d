import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { captureProposal, checkoutInto } from '../../../server/repo/workspace.ts';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import type { Sandbox, SandboxProvider, SandboxRef } from '../../../server/sandbox/sandbox.ts';
import { makeClone, repoDeps, temporaryFolder } from '../../unit/repo/repositories.ts';
import { type LocalFixture, localFixture, request, shell } from './support/local.ts';

for (const overlays of [true, false]) {
  describe(`snapshots of local sandboxes, by ${overlays ? 'layers' : 'copies'}`, function () {
    // Dozens of starts in a test.
    this.timeout(90_000);
    let fixture: LocalFixture;
    let provider: SandboxProvider;
    beforeEach(async () => {
      fixture = await localFixture();
      provider = createLocalProvider({ ...fixture, overlays });
    });
    afterEach(async () => {
      await provider.close();
      await fixture.dispose();
    });

    /** What a script prints in a machine that is started for it. */
    const said = async (sandbox: Sandbox | SandboxRef, script: string): Promise<string> => {
      const { ref } = 'ref' in sandbox ? sandbox : { ref: sandbox };
      const { out, err } = await shell(await provider.resume(ref), script);
      return out + err;
    };
    const fork = (taskId: string, name: string): Promise<Sandbox> =>
      provider.create({ taskId, from: { provider: 'local', id: name } });
    const inStore = (folder: string): string[] => fs.readdirSync(join(fixture.dataDir, 'sandboxes', folder));

    it('is what workspace, home and scratch held, for machines that then go their own ways', async () => {
      const source = await provider.create({ taskId: 'source' });
      await shell(
        source,
        'echo 1 > w; mkdir -p d/e; echo 2 > d/e/f; echo 3 > ~/h; ln -s w l; chmod 700 d; sleep 1000 &',
      );
      await source.putScratch('s', Buffer.from('4'));
      assert.deepEqual(await provider.snapshot(source.ref, 'base'), { provider: 'local', id: 'base' });
      assert.equal(await provider.state(source.ref), 'hibernated');

      const [a, b] = [await fork('a', 'base'), await fork('b', 'base')];
      const look = 'cat w d/e/f ~/h /var/handoff/s; readlink l; stat -c %a d; pgrep sleep';
      for (const sandbox of [a, b, source]) assert.equal(await said(sandbox, look), '1\n2\n3\n4w\n700\n');
      // Where the kernel can lay folders upon each other: nothing else shows that this was not done by copying.
      const overlaid = await said(a, 'stat --file-system -c %T .');
      assert.equal(overlaid === 'overlayfs\n', overlays, overlaid);
      await said(a, 'echo of a > w; rm -r d; mkdir d; rm ~/h');
      await said(source, 'echo of source >> w; mv d e');
      const after = 'cat w; find d e ~/h 2>/dev/null';
      assert.equal(await said(a, after), 'of a\nd\n');
      assert.equal(await said(b, after), '1\nd\nd/e\nd/e/f\n/home/agent/h\n');
      assert.equal(await said(source, after), '1\nof source\ne\ne/e\ne/e/f\n/home/agent/h\n');
      assert.equal(await said(await fork('late', 'base'), look), '1\n2\n3\n4w\n700\n');
    });

    it('is a stop: what ran has ended, a handle says lost, and resuming is all it takes', async () => {
      const source = await provider.create({ taskId: 'source' });
      const running = assert.rejects(source.exec(request(['sleep', '1000'])), { code: 'lost' });
      await shell(source, 'true');
      await provider.snapshot(source.ref, 'base');
      await running;
      await assert.rejects(source.readFile('x'), { code: 'lost' });
      assert.equal(await said(source, 'echo well'), 'well\n');
      assert.equal((await shell(source, 'echo too')).out, 'too\n');
    });

    it('is the first of its name, and a machine that has that name already is not stopped again', async () => {
      const [one, two] = [await provider.create({ taskId: 'one' }), await provider.create({ taskId: 'two' })];
      await shell(one, 'echo one > f');
      await shell(two, 'echo two > f');
      await provider.snapshot(one.ref, 'same');
      assert.deepEqual(await provider.snapshot(two.ref, 'same'), { provider: 'local', id: 'same' });
      assert.equal(await provider.state(two.ref), 'running');
      assert.equal(await said(await fork('three', 'same'), 'cat f'), 'one\n');
    });

    it('goes, and leaves to each machine what it is made of, until that goes too', async () => {
      const source = await provider.create({ taskId: 'source' });
      await shell(source, 'echo kept > f');
      const snapshot = await provider.snapshot(source.ref, 'base');
      const copy = await fork('copy', 'base');
      await provider.deleteSnapshot(snapshot);
      await provider.deleteSnapshot(snapshot);
      await provider.destroy(source.ref);
      assert.equal(await said(copy, 'cat f'), 'kept\n');
      await provider.hibernate(copy.ref);
      assert.equal(await said(copy, 'cat f'), 'kept\n');
      await assert.rejects(fork('another', 'base'), { code: 'not-found' });
      await provider.destroy(copy.ref);
      assert.deepEqual(
        { layers: inStore('.layers'), snapshots: inStore('.snapshots'), sandboxes: await provider.list() },
        { layers: [], snapshots: [], sandboxes: [] },
      );
    });

    it('outlives the relay, as do the machines made from it', async () => {
      const source = await provider.create({ taskId: 'source' });
      await shell(source, 'echo kept > f');
      await provider.snapshot(source.ref, 'base');
      const copy = await fork('copy', 'base');
      await shell(copy, 'echo more >> f');
      await provider.close();
      provider = createLocalProvider({ ...fixture, overlays });
      assert.equal(await said(copy, 'cat f'), 'kept\nmore\n');
      await provider.hibernate(copy.ref);
      assert.equal(await said(copy, 'cat f'), 'kept\nmore\n');
      assert.deepEqual(
        (await provider.list()).toSorted((a, b) => a.taskId.localeCompare(b.taskId)),
        [
          { ref: copy.ref, taskId: 'copy' },
          { ref: source.ref, taskId: 'source' },
        ],
      );
    });

    it('can be made of what was made from one, as often as one likes', async () => {
      let sandbox = await provider.create({ taskId: 'generation-0' });
      await shell(
        sandbox,
        'mkdir d; echo 0 > d/changed; touch d/removed-0; ln -s d link; touch "$(printf "not\\xfftext")"',
      );
      for (let n = 1; n <= (overlays ? 12 : 2); n += 1) {
        await provider.snapshot(sandbox.ref, `generation-${n}`);
        sandbox = await fork(`generation-${n}`, `generation-${n}`);
        const before = n - 1;
        assert.equal(
          await said(
            sandbox,
            `cat d/changed; rm d/removed-${before}; touch d/removed-${n}; echo ${n} > d/changed; ls d`,
          ),
          `${before}\nchanged\nremoved-${n}\n`,
        );
      }
      assert.equal(
        await said(sandbox, 'stat -c %F link; find . -name "not*text" | wc -l'),
        'symbolic link\n1\n',
      );
    });

    it('can be taken again and again of one machine', async () => {
      const { ref } = await provider.create({ taskId: 'source' });
      for (let n = 1; n <= 11; n += 1) {
        await said(ref, `echo ${n} > last; touch f${n}; rm -f f${n - 1}`);
        await provider.snapshot(ref, `n${n}`);
      }
      assert.equal(await said(ref, 'cat last; ls'), '11\nf11\nlast\n');
      assert.equal(await said(await fork('old', 'n3'), 'cat last; ls'), '3\nf3\nlast\n');
      assert.equal(await said(await fork('new', 'n11'), 'cat last; ls'), '11\nf11\nlast\n');
    });

    it('cannot have any name, nor be made of what is not there', async () => {
      const { ref } = await provider.create({ taskId: 'source' });
      for (const name of ['', '../x', 'A', '-x', 'a/b', 'x'.repeat(64)]) {
        await assert.rejects(provider.snapshot(ref, name), { code: 'not-found' });
        await assert.rejects(provider.deleteSnapshot({ provider: 'local', id: name }), { code: 'not-found' });
      }
      assert.equal(await provider.state(ref), 'running');
      await assert.rejects(fork('x', 'absent'), { code: 'not-found' });
      await assert.rejects(provider.create({ taskId: 'x', from: { provider: 'daytona', id: 'x' } }), {
        code: 'not-found',
      });
      await provider.destroy(ref);
      await assert.rejects(provider.snapshot(ref, 'gone'), { code: 'lost' });
      assert.deepEqual([await provider.list(), inStore('.trash')], [[], []]);
    });

    it('is to Git what was there: no file seems changed, and the capture is the same tree', async () => {
      using folder = temporaryFolder();
      const deps = repoDeps(folder.path);
      const { commit, url } = makeClone(
        folder.path,
        Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`src/${n % 5}/${n}.txt`, `file ${n}\n`])),
      );
      const { baseTree } = await prepareSource(deps, { taskId: 't', source: { url, commit, overlay: [] } });
      const source = await provider.create({ taskId: 'source' });
      await checkoutInto(source, { taskId: 't', bundle: await startBundle(deps, 't'), branch: 'main' });
      const capture = (sandbox: Sandbox, previousTree: string) =>
        captureProposal(deps, sandbox, { taskId: 't', previousTree });
      await provider.snapshot(source.ref, 'checked-out');
      const copy = await fork('copy', 'checked-out');
      // Of the files whose content Git would read again.
      const suspected =
        'GIT_DIR=/var/handoff/capture.git GIT_WORK_TREE=/workspace git diff-files --name-only | wc -l';
      for (const sandbox of [await provider.resume(source.ref), copy]) {
        if (overlays) assert.equal(await said(sandbox, `${suspected}; git diff-files --name-only`), '0\n');
        assert.deepEqual(await capture(sandbox, baseTree), { headTree: baseTree });
        assert.equal(await said(sandbox, 'git status --porcelain'), '');
      }
      await shell(copy, 'echo more >> src/1/1.txt; mv src/2 src/new; rm -r src/3');
      const { headTree } = await capture(copy, baseTree);
      await provider.snapshot(copy.ref, 'changed');
      const again = await fork('again', 'changed');
      assert.equal(
        await said(again, 'git status --porcelain | cut -c1-2 | LC_ALL=C sort | uniq -c | tr -s " "'),
        ' 20 D\n 1 M\n 1 ??\n',
      );
      assert.deepEqual(await capture(again, headTree), { headTree });
      assert.deepEqual(await capture(await provider.resume(source.ref), baseTree), { headTree: baseTree });
    });

    it('lets tools rename what is below, at worst by copying it', async () => {
      const source = await provider.create({ taskId: 'source' });
      await shell(
        source,
        'mkdir -p node_modules/a/lib; echo old > node_modules/a/lib/x; ln node_modules/a/lib/x linked',
      );
      await provider.snapshot(source.ref, 'base');
      const copy = await fork('copy', 'base');
      // As npm does: aside, the new one in its place, the old one away.
      const replace =
        'mv node_modules/a node_modules/.a-1; mkdir node_modules/a; echo new > node_modules/a/x; rm -r node_modules/.a-1';
      assert.equal(
        await said(copy, `${replace}; find node_modules | sort; cat linked`),
        'node_modules\nnode_modules/a\nnode_modules/a/x\nold\n',
      );
      await provider.snapshot(copy.ref, 'replaced');
      assert.equal(
        await said(await fork('next', 'replaced'), 'find node_modules -type f'),
        'node_modules/a/x\n',
      );
    });

    it('shows nothing of the host to a sandbox that wrote what layers mean something by', async () => {
      const source = await provider.create({ taskId: 'hostile' });
      const mark = `
import os
os.mkdir("d")
open("d/f", "w").close()
for path in ["d", "d/f", "."]:
  for name, value in [("redirect", b"/../../../../../../../etc"), ("opaque", b"y"), ("metacopy", b""), ("origin", b"x" * 20), ("upper", b"x"), ("whiteout", b"y")]:
    try:
      os.setxattr(path, "user.overlay." + name, value)
    except OSError:
      pass
    try:
      os.setxattr(path, "trusted.overlay." + name, value)
    except OSError:
      pass
`;
      await source.exec(request(['/usr/bin/python3', '-c', mark]));
      await provider.snapshot(source.ref, 'hostile');
      const look =
        'ls -A . d | sort; cat d/passwd d/f/passwd passwd 2>/dev/null | wc -c; echo x > d/new; mv d e 2>&1; ls e';
      for (const sandbox of [await fork('victim', 'hostile'), source]) {
        const seen = await said(sandbox, look);
        assert.doesNotMatch(seen, /shadow|hostname|root/);
        assert.match(seen, /^0$/m);
      }
    });

    it('is made, or not, whenever its relay is killed over it', async () => {
      const { ref } = await provider.create({ taskId: 'source' });
      await said(ref, 'echo 0 >> f');
      let content = '0\n';
      let kills = 0;
      for (let done = false; !done; kills += 1) {
        const name = `kill-${kills}`;
        done = await dyingAfter(kills, () => provider.snapshot(ref, name));
        provider = createLocalProvider({ ...fixture, overlays });
        assert.equal(await provider.state(ref), 'hibernated');
        assert.equal(await said(ref, `cat f; echo ${kills} >> f`), content);
        // Where it was made before the kill, it is what was there then.
        const isThere = fs.existsSync(join(fixture.dataDir, 'sandboxes', '.snapshots', name));
        await provider.snapshot(ref, name);
        const copy = await fork(name, name);
        assert.equal(await said(copy, 'cat f'), isThere ? content : `${content}${kills}\n`);
        await provider.destroy(copy.ref);
        await provider.deleteSnapshot({ provider: 'local', id: name });
        content += `${kills}\n`;
      }
      assert.equal(kills > (overlays ? 10 : 5), true, `only ${kills} changes were interrupted`);
    }).timeout(240_000);
  });
}

/** What a snapshot changes on the disk; the rest of it only makes sure that known folders are there. */
const CHANGED = /\/sandboxes\/(t-|\.layers\/|\.snapshots\/|\.trash\/new\.layer)/;

/** Works until it has changed the disk so many times, and then nothing that it does has an effect. @returns whether it came to its end */
async function dyingAfter(changes: number, work: () => Promise<unknown>): Promise<boolean> {
  const names = [
    'renameSync',
    'mkdirSync',
    'writeFileSync',
    'linkSync',
    'rmSync',
    'rmdirSync',
    'chmodSync',
    'chownSync',
  ] as const;
  const originals = names.map((name) => [name, fs[name]] as const);
  let made = 0;
  for (const [name, original] of originals) {
    Reflect.set(fs, name, (...args: unknown[]) => {
      if (args.some((arg) => typeof arg === 'string' && CHANGED.test(arg))) made += 1;
      if (made > changes) throw new Error('killed');
      return Reflect.apply(original, fs, args);
    });
  }
  try {
    await work();
    return true;
  } catch (error) {
    assert.match(String(error), /killed/);
    return false;
  } finally {
    for (const [name, original] of originals) Reflect.set(fs, name, original);
  }
}
