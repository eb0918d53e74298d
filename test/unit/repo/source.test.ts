import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '../../../server/errors.ts';
import { SourceSpec } from '../../../server/protocol/source.ts';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { contents, git, listing, makeClone, repoDeps, temporaryFolder, writeFiles } from './repositories.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, `expected an AppError, got ${error}`);
  return error.code;
}

describe('source in', () => {
  it('takes exactly the pinned commit, without its history, from a local clone', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone, commit, url } = makeClone(folder.path, {
      'a.txt': 'a\n',
      'bin/run': { exec: '#!/bin/sh\n' },
    });
    writeFiles(clone, { 'later.txt': 'not committed' });
    const prepared = await prepareSource(deps, { taskId: 't1', source: { url, commit, overlay: [] } });
    const repo = path.join(deps.reposDir, 't1.git');
    assert.deepEqual(prepared, { baseCommit: commit, baseTree: git(clone, ['rev-parse', 'HEAD^{tree}']) });
    assert.equal(git(repo, ['rev-list', '--count', 'refs/handoff/source']), '1');
    assert.equal(git(repo, ['fsck', '--strict']), '');
    assert.deepEqual(readdirSync(deps.reposDir), ['t1.git']);
  });

  it('lays uncommitted work over the commit, byte for byte', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const odd = 'od d/"quoted"\\back\nline — ü.txt';
    const { commit, url } = makeClone(folder.path, {
      'crlf.txt': 'one\r\ntwo\r\n',
      'gone.txt': 'x',
      'dir/inner.txt': 'x',
      'file-to-dir': 'x',
      '.gitattributes': '* text=auto eol=crlf\n*.txt filter=evil\n',
    });
    const overlay = [
      { path: 'file-to-dir/now.txt', mode: '100644', content: base64('deep\r\n') },
      { path: 'file-to-dir', mode: '100644', content: null },
      { path: 'dir/inner.txt', mode: '100644', content: null },
      { path: 'dir', mode: '100644', content: base64('a file now') },
      { path: 'gone.txt', mode: '100644', content: null },
      { path: 'never-was.txt', mode: '100644', content: null },
      { path: odd, mode: '100755', content: base64('') },
      { path: '-dash', mode: '100644', content: Buffer.from([0, 255, 10, 13]).toString('base64') },
      { path: 'link', mode: '120000', content: base64('../outside') },
    ] as const;
    const source = { url, commit, overlay: [...overlay] };
    const { baseTree } = await prepareSource(deps, { taskId: 't1', source });
    assert.deepEqual(contents(path.join(deps.reposDir, 't1.git'), baseTree), {
      '-dash': '100644 \0\u00ff\n\r',
      '.gitattributes': '100644 * text=auto eol=crlf\n*.txt filter=evil\n',
      'crlf.txt': '100644 one\r\ntwo\r\n',
      dir: '100644 a file now',
      'file-to-dir/now.txt': '100644 deep\r\n',
      'first.txt': '100644 the first commit\n',
      link: '120000 ../outside',
      [odd]: '100755 ',
    });
  });

  it('answers a repetition from what is there, also when the source has gone', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone, commit, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const overlay = [{ path: 'b.txt', mode: '100644' as const, content: base64('b') }];
    const input = { taskId: 't1', source: { url, commit, overlay } };
    const first = await prepareSource(deps, input);
    const bundle = await startBundle(deps, 't1');
    rmSync(clone, { recursive: true });
    assert.deepEqual(await prepareSource(deps, input), first);
    assert.deepEqual(await startBundle(deps, 't1'), bundle);
  });

  it('is not hindered by an attempt that was killed, nor touches one that may be at work', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { commit, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
    git(folder.path, ['init', '--quiet', '--bare', path.join(deps.reposDir, 't1.git.new-dead')]);
    writeFileSync(path.join(deps.reposDir, 't1.git.new-dead', 'shallow.lock'), '');
    await prepareSource(deps, { taskId: 't1', source: { url, commit, overlay: [] } });
    assert.deepEqual(readdirSync(deps.reposDir).sort(), ['t1.git', 't1.git.new-dead']);
    assert.deepEqual(readdirSync(path.join(deps.reposDir, 't1.git.new-dead')).includes('shallow.lock'), true);
  });

  it('hands out a bundle of one commit without parents, whose tree is the base', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { commit, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const { baseTree } = await prepareSource(deps, { taskId: 't1', source: { url, commit, overlay: [] } });
    const file = path.join(folder.path, 'start.bundle');
    writeFileSync(file, await startBundle(deps, 't1'));
    const target = path.join(folder.path, 'target');
    git(folder.path, ['init', '--quiet', target]);
    git(target, ['fetch', '--quiet', file, 'refs/handoff/base:refs/heads/base']);
    assert.deepEqual(
      {
        history: git(target, ['rev-list', '--parents', 'base']).split(' ').length,
        tree: git(target, ['rev-parse', 'base^{tree}']),
        shallow: git(target, ['rev-parse', '--is-shallow-repository']),
        author: git(target, ['log', '--format=%an %ae %at %cn %ce %ct', 'base']),
      },
      {
        history: 1,
        tree: baseTree,
        shallow: 'false',
        author: 'Handoff handoff@localhost 0 Handoff handoff@localhost 0',
      },
    );
  });

  it('takes unpushed commits from an uploaded bundle, and what they build on from the URL', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone, commit: pushed, url: cloneUrl } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const origin = path.join(folder.path, 'origin.git');
    git(folder.path, ['clone', '--quiet', '--bare', clone, origin]);
    writeFiles(clone, { 'b.txt': 'b\n' });
    git(clone, ['add', '.']);
    git(clone, ['commit', '--quiet', '-m', 'unpushed']);
    const commit = git(clone, ['rev-parse', 'HEAD']);
    const bundlePath = path.join(folder.path, 'up.bundle');
    git(clone, ['bundle', 'create', bundlePath, `${pushed}..HEAD`, 'HEAD']);
    const url = cloneUrl.replace(/clone$/, 'origin.git');
    const source = { url, commit, sourceId: 's1', overlay: [] };
    const prepared = await prepareSource(deps, { taskId: 't1', source, bundlePath });
    assert.deepEqual(prepared, { baseCommit: commit, baseTree: git(clone, ['rev-parse', 'HEAD^{tree}']) });
    const withoutUrl = { commit, sourceId: 's1', overlay: [] };
    assert.equal(
      await codeOf(prepareSource(deps, { taskId: 't2', source: withoutUrl, bundlePath })),
      'source_unreadable',
    );
  });

  it('takes a shallow clone from its bundle, which ends where it says', async () => {
    using folder = temporaryFolder();
    const deps = { ...repoDeps(folder.path), allowFileUrls: false };
    const { commit, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const shallowClone = path.join(folder.path, 'shallow');
    git(folder.path, ['clone', '--quiet', '--depth=1', url, shallowClone]);
    const bundlePath = path.join(folder.path, 'up.bundle');
    git(shallowClone, ['bundle', 'create', bundlePath, 'HEAD']);
    const source = { commit, sourceId: 's1', overlay: [] };
    assert.equal(
      await codeOf(prepareSource(deps, { taskId: 't1', source, bundlePath })),
      'source_unreadable',
    );
    const prepared = await prepareSource(deps, {
      taskId: 't2',
      source: { ...source, shallow: [commit] },
      bundlePath,
    });
    assert.deepEqual(prepared, {
      baseCommit: commit,
      baseTree: git(shallowClone, ['rev-parse', 'HEAD^{tree}']),
    });
  });

  it('lays the commits of submodules over the commit, and takes removed ones out', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const [old, moved, fresh] = ['1', '2', '3'].map((digit) => digit.repeat(40));
    for (const name of ['kept', 'moved', 'gone', 'folder'])
      git(clone, ['update-index', '--add', '--cacheinfo', `160000,${old},${name}`]);
    git(clone, ['commit', '--quiet', '-m', 'submodules']);
    const commit = git(clone, ['rev-parse', 'HEAD']);
    const source = SourceSpec.parse({
      ...{ url: pathToFileURL(clone).href, commit },
      overlay: [
        { path: 'moved', mode: '160000', oid: moved },
        { path: 'deep/fresh', mode: '160000', oid: fresh },
        { path: 'gone', mode: '160000', oid: null },
        { path: 'folder', mode: '160000', oid: null },
        { path: 'folder/file', mode: '100644', content: base64('now a folder\n') },
      ],
    });
    const { baseTree } = await prepareSource(deps, { taskId: 't1', source });
    const before = listing(clone, 'HEAD');
    assert.deepEqual(listing(path.join(deps.reposDir, 't1.git'), baseTree), {
      'a.txt': before['a.txt'],
      'deep/fresh': `160000 ${fresh}`,
      'first.txt': before['first.txt'],
      'folder/file': `100644 ${git(clone, ['hash-object', '--stdin'], 'now a folder\n')}`,
      kept: `160000 ${old}`,
      moved: `160000 ${moved}`,
    });
  });

  it('takes a repository without a remote from a bundle alone', async () => {
    using folder = temporaryFolder();
    const deps = { ...repoDeps(folder.path), allowFileUrls: false };
    const { clone, commit } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const bundlePath = path.join(folder.path, 'up.bundle');
    git(clone, ['bundle', 'create', bundlePath, 'main']);
    const source = { commit, sourceId: 's1', overlay: [] };
    const { baseTree } = await prepareSource(deps, { taskId: 't1', source, bundlePath });
    assert.equal(baseTree, git(clone, ['rev-parse', 'HEAD^{tree}']));
  });

  it('reads a clone that has no history itself, and a linked working tree', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone, commit, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
    git(folder.path, ['clone', '--quiet', '--depth=1', url, 'shallow']);
    git(clone, ['worktree', 'add', '--quiet', '--detach', path.join(folder.path, 'linked')]);
    const expected = { baseCommit: commit, baseTree: git(clone, ['rev-parse', 'HEAD^{tree}']) };
    for (const name of ['shallow', 'linked']) {
      const source = { url: url.replace(/clone$/, name), commit, overlay: [] };
      assert.deepEqual(await prepareSource(deps, { taskId: name, source }), expected);
    }
  });

  it('is whole after the relay was killed at any moment of it', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone, commit, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const input = { taskId: 't1', source: { url, commit, overlay: [] } };
    const program = `
      import { createGit } from ${JSON.stringify(import.meta.resolve('../../../server/repo/git.ts'))};
      import { prepareSource } from ${JSON.stringify(import.meta.resolve('../../../server/repo/source.ts'))};
      const [, dataDir, reposDir, input, victim] = process.argv;
      const real = createGit({ dataDir });
      let run = 0;
      const git = (args, options) => {
        const running = real(args, options);
        if (++run === Number(victim)) process.kill(process.pid, 'SIGKILL');
        return running;
      };
      await prepareSource({ git, reposDir, allowFileUrls: true }, JSON.parse(input));`;
    const expected = { baseCommit: commit, baseTree: git(clone, ['rev-parse', 'HEAD^{tree}']) };
    for (const victim of ['1', '2', '3', '4']) {
      rmSync(path.join(deps.reposDir, 't1.git'), { recursive: true, force: true });
      const args = ['--input-type=module-typescript', '-e', program, '--'];
      const argv = [...args, path.join(folder.path, 'data'), deps.reposDir, JSON.stringify(input), victim];
      assert.equal(spawnSync(process.execPath, argv).signal, 'SIGKILL');
      assert.deepEqual(await prepareSource(deps, input), expected, `killed at run ${victim} of Git`);
      assert.equal(git(path.join(deps.reposDir, 't1.git'), ['fsck', '--strict', '--no-dangling']), '');
    }
  });

  for (const [why, change, code] of [
    ['a transport that runs programs', { url: 'ext::sh -c "touch /tmp/owned"' }, 'source_not_allowed'],
    ['an option in place of a URL', { url: '--upload-pack=touch /tmp/owned' }, 'source_not_allowed'],
    ['ssh, which would use keys of the relay', { url: 'ssh://git@github.com/o/r.git' }, 'source_not_allowed'],
    ['the scp form of ssh', { url: 'git@github.com:o/r.git' }, 'source_not_allowed'],
    ['the git protocol', { url: 'git://example.com/r' }, 'source_not_allowed'],
    ['credentials in the URL', { url: 'https://u:p@example.com/r' }, 'source_not_allowed'],
    ['a line break in the URL', { url: 'https://example.com/r\nfoo' }, 'source_not_allowed'],
    ['a file on another host', { url: 'file://server/share/r' }, 'source_not_allowed'],
    ['a folder that is not there', { url: 'file:///nowhere/at/all' }, 'source_unreadable'],
    ['a bare path', { url: '/etc' }, 'source_not_allowed'],
    ['a folder that is no repository', { url: 'file:///usr' }, 'source_unreadable'],
    ['a commit that is not there', { commit: 'a'.repeat(40) }, 'source_unreadable'],
    ['SHA-256 object names', { commit: 'a'.repeat(64) }, 'source_unreadable'],
    ['a sourceId without its bundle', { url: undefined, sourceId: 's1' }, 'source_unreadable'],
    ['a path named twice', { overlay: ['a', 'a'] }, 'overlay_invalid'],
    ['a file below a file', { overlay: ['a/b', 'a'] }, 'overlay_invalid'],
    ['a .git in disguise (NTFS)', { overlay: ['x/GIT~1/config'] }, 'overlay_invalid'],
    ['a .git in disguise (HFS)', { overlay: ['.g\u200cit/config'] }, 'overlay_invalid'],
  ] as const) {
    it(`refuses ${why}`, async () => {
      using folder = temporaryFolder();
      const deps = repoDeps(folder.path);
      const { commit, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
      const overlay = ('overlay' in change ? change.overlay : []).map((name) => ({
        path: name,
        mode: '100644' as const,
        content: base64('x'),
      }));
      const source = { url, commit, ...change, overlay };
      assert.equal(await codeOf(prepareSource(deps, { taskId: 't1', source })), code);
      await assert.rejects(
        prepareSource(deps, { taskId: 't1', source }),
        (error) => error instanceof AppError && (error.nextAction?.length ?? 0) > 0,
      );
    });
  }

  it('refuses a file URL on a relay that serves other machines', async () => {
    using folder = temporaryFolder();
    const deps = { ...repoDeps(folder.path), allowFileUrls: false };
    const { commit, url } = makeClone(folder.path, {});
    const source = { url, commit, overlay: [] };
    assert.equal(await codeOf(prepareSource(deps, { taskId: 't1', source })), 'source_not_allowed');
  });

  it('stops when it is cancelled', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { commit, url } = makeClone(folder.path, {});
    const reason = new Error('stop');
    const source = { url, commit, overlay: [] };
    await assert.rejects(prepareSource(deps, { taskId: 't1', source }, AbortSignal.abort(reason)), reason);
  });
});
