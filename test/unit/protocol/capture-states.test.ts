import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { captureSource } from '../../../server/protocol/capture.ts';
import type { CaptureDeps } from '../../../server/protocol/capture-git.ts';
import { type PersonsRepository, personsRepository, readable } from './persons-repository.ts';

describe('captureSource in the states that repositories are in', () => {
  let repo: PersonsRepository;
  beforeEach(() => {
    repo = personsRepository();
  });
  afterEach(() => repo[Symbol.dispose]());

  const at = (name: string): string => path.join(repo.folder, name);
  const captured = async () => readable((await repo.capture()).source);

  it('what is meant to be added, staged and then deleted, or staged and then taken back', async () => {
    for (const name of ['taken-back', 'untracked-again']) repo.write(name, 'committed\n');
    repo.commit();
    repo.write('intended', 'not yet staged\n');
    repo.git('add', '--intent-to-add', 'intended');
    repo.write('fleeting', 'staged\n');
    repo.write('taken-back', 'staged\n');
    repo.git('add', 'fleeting', 'taken-back');
    repo.remove('fleeting');
    repo.write('taken-back', 'committed\n');
    repo.git('rm', '-q', '--cached', 'untracked-again');
    assert.deepEqual(await captured(), { intended: ['100644', 'not yet staged\n'] });
  });

  it('renamed, staged or not, with edits, and in case alone', async () => {
    const text = Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join('');
    for (const name of ['a', 'b', 'readme']) repo.write(name, `${name}\n${text}`);
    repo.commit();
    repo.git('mv', 'a', 'moved');
    repo.git('mv', 'readme', 'README');
    renameSync(at('b'), at('b2'));
    appendFileSync(at('b2'), 'and more\n');
    const { source, sent } = await repo.capture();
    assert.deepEqual(readable(source), {
      README: ['100644', `readme\n${text}`],
      a: ['100644', null],
      b: ['100644', null],
      b2: ['100644', `b\n${text}and more\n`],
      moved: ['100644', `a\n${text}`],
      readme: ['100644', null],
    });
    assert.deepEqual(
      sent.map(({ path: to, from, kind }) => [kind, from, to]),
      [
        ['renamed', 'readme', 'README'],
        ['renamed', 'b', 'b2'],
        ['renamed', 'a', 'moved'],
      ],
    );
  });

  it('a link in place of a folder that other files of the same names are behind', async () => {
    repo.write('lib/x', 'in the repository\n');
    repo.write('other/x', 'elsewhere\n');
    repo.commit();
    repo.remove('lib');
    symlinkSync('other', at('lib'));
    assert.deepEqual(await captured(), { lib: ['120000', 'other'], 'lib/x': ['100644', null] });
  });

  it('a merge that was not finished: what is on disk, deleted by either side or by both', async () => {
    for (const name of ['both', 'ours', 'theirs']) repo.write(name, 'base\n');
    repo.commit();
    repo.git('checkout', '-q', '-b', 'other');
    repo.write('both', 'other\n');
    repo.write('ours', 'other\n');
    repo.remove('theirs');
    repo.commit();
    repo.git('checkout', '-q', 'main');
    repo.write('both', 'main\n');
    repo.remove('ours');
    repo.write('theirs', 'main\n');
    repo.commit();
    assert.throws(() => repo.git('merge', 'other'));
    repo.write('both', 'settled by hand, not yet added\n');
    const { source, sent } = await repo.capture();
    assert.deepEqual(readable(source), {
      both: ['100644', 'settled by hand, not yet added\n'],
      ours: ['100644', 'other\n'],
    });
    assert.deepEqual(
      sent.map(({ path: name, isConflicted }) => [name, isConflicted]),
      [
        ['both', true],
        ['ours', true],
      ],
    );
    repo.remove('theirs');
    repo.remove('both');
    assert.deepEqual(await captured(), {
      both: ['100644', null],
      ours: ['100644', 'other\n'],
      theirs: ['100644', null],
    });
  });

  it('a sparse checkout: what is not checked out stays, what was made outside travels', async () => {
    for (const name of ['in/a', 'out/b', 'out/c']) repo.write(name, 'committed\n');
    repo.commit();
    repo.git('sparse-checkout', 'set', '--cone', '--sparse-index', 'in');
    repo.write('in/a', 'changed\n');
    repo.write('out/new', 'new\n');
    assert.deepEqual(await captured(), { 'in/a': ['100644', 'changed\n'], 'out/new': ['100644', 'new\n'] });
  });

  it('leaves out what Git was told not to look at', async () => {
    for (const name of ['assumed', 'skipped', 'seen']) repo.write(name, 'committed\n');
    repo.commit();
    repo.git('update-index', '--assume-unchanged', 'assumed');
    repo.git('update-index', '--skip-worktree', 'skipped');
    for (const name of ['assumed', 'skipped', 'seen']) repo.write(name, 'changed\n');
    assert.deepEqual(await captured(), { seen: ['100644', 'changed\n'] });
  });

  it('stores encodings and large files as Git does, and leaves nothing of the filter beside', async () => {
    repo.write('.gitattributes', '*.u16 text working-tree-encoding=UTF-16LE\n*.bin filter=lfs\n');
    repo.commit();
    repo.git('config', 'filter.lfs.clean', 'sed s/content/pointer/');
    repo.write('a.u16', Buffer.from('größe\n', 'utf16le'));
    repo.write('a.bin', 'content\n');
    assert.deepEqual(await captured(), { 'a.bin': ['100644', 'pointer\n'], 'a.u16': ['100644', 'größe\n'] });
  });

  it('a submodule that is new, moved on, only changed inside, or removed', async () => {
    const library = path.join(repo.root, 'library');
    mkdirSync(library);
    repo.gitIn(library, 'init', '-q');
    const release = (text: string): string => {
      writeFileSync(path.join(library, 'file'), text);
      repo.gitIn(library, 'add', '-A');
      repo.gitIn(library, 'commit', '-q', '-m', text);
      return repo.gitIn(library, 'rev-parse', 'HEAD');
    };
    const first = release('one\n');
    for (const name of ['on', 'dirty', 'gone']) repo.git('submodule', 'add', '-q', library, name);
    repo.commit();
    const second = release('two\n');
    repo.gitIn(at('on'), 'pull', '-q');
    repo.write('dirty/file', 'changed inside\n');
    repo.git('submodule', 'add', '-q', library, 'new');
    repo.git('rm', '-q', '-f', 'gone');
    const { source, sent } = await repo.capture();
    const { '.gitmodules': modules, ...pointers } = readable(source);
    assert.notEqual(first, second);
    assert.match(String(modules?.[1]), /\[submodule "new"\]/);
    assert.deepEqual(pointers, {
      gone: ['160000', null],
      new: ['160000', second],
      on: ['160000', second],
    });
    assert.deepEqual(
      sent.map(({ path: name, kind }) => [name, kind]),
      [
        ['.gitmodules', 'staged'],
        ['gone', 'submodule'],
        ['new', 'submodule'],
        ['on', 'submodule'],
      ],
    );
  });

  it('leaves repositories inside it out, with a commit or without, and names them', async () => {
    repo.write('a', 'one\n');
    repo.commit();
    for (const name of ['tools/empty', 'tools/full']) {
      repo.write(`${name}/file`, 'x\n');
      repo.gitIn(at(name), 'init', '-q');
    }
    repo.gitIn(at('tools/full'), 'add', '-A');
    repo.gitIn(at('tools/full'), 'commit', '-q', '-m', 'inside');
    repo.write('tools/beside', 'travels\n');
    const { source, nested } = await repo.capture();
    assert.deepEqual(readable(source), { 'tools/beside': ['100644', 'travels\n'] });
    assert.deepEqual(nested.toSorted(), ['tools/empty', 'tools/full']);
  });

  it('a shallow clone, which for a relay elsewhere says where its history ends', async () => {
    for (const text of ['one\n', 'two\n', 'three\n']) {
      repo.write('a', text);
      repo.commit();
    }
    const clone = path.join(repo.root, 'clone');
    repo.git('clone', '-q', '--depth', '2', `file://${repo.folder}`, clone);
    writeFileSync(path.join(clone, 'a'), 'mine\n');
    const upload = async () => ({ sourceId: 'src-1' });
    const { source } = await repo.unharmed(
      () => captureSource(repo.deps, { folder: clone, upload }),
      [clone],
    );
    assert.deepEqual(source, {
      ...{ sourceId: 'src-1', branch: 'main', remote: `file://${repo.folder}` },
      ...{ commit: repo.git('rev-parse', 'HEAD'), shallow: [repo.git('rev-parse', 'HEAD~1')] },
      overlay: [{ path: 'a', mode: '100644', content: Buffer.from('mine\n').toString('base64') }],
    });
  });

  it('a submodule whose own repository is captured by itself', async () => {
    repo.write('a', 'one\n');
    repo.commit();
    const outer = path.join(repo.root, 'outer');
    mkdirSync(outer);
    repo.gitIn(outer, 'init', '-q');
    repo.gitIn(outer, 'submodule', 'add', '-q', repo.folder, 'inner');
    writeFileSync(path.join(outer, 'inner/new'), 'new\n');
    const { toplevel, source } = await repo.unharmed(
      () => captureSource(repo.deps, { folder: path.join(outer, 'inner') }),
      [outer, repo.folder],
    );
    assert.deepEqual([toplevel, readable(source)], [path.join(outer, 'inner'), { new: ['100644', 'new\n'] }]);
  });

  it('names that look like options, patterns, or more than one name', async () => {
    const odd = [
      ...['-rf', '--help', ':(glob)*', ':!a', '*.txt', 'a b', 'line\nbreak', 'tab\there', 'quo"te', "it's"],
      ...[
        'back\\slash',
        '$(touch x)',
        '#hash',
        'C:drive',
        'cafe\u0301',
        'caf\u00e9',
        '\u{1F600}',
        '.gitmodules',
      ],
    ];
    repo.write('first', 'one\n');
    repo.commit();
    for (const name of odd) repo.write(name, `${name}\n`);
    repo.git('add', '--', './-rf', './a b');
    assert.deepEqual(
      await captured(),
      Object.fromEntries(odd.map((name) => [name, ['100644', `${name}\n`]])),
    );
  });

  it('with a stash, hooks, and filters of the person, leaves all of it as it was when any step fails', async () => {
    repo.write('a', 'one\n');
    repo.write('b', 'one\n');
    repo.commit();
    repo.write('a', 'stashed\n');
    repo.git('stash', '-q');
    repo.write('.git/hooks/post-index-change', '#!/bin/sh\ntouch "$(git rev-parse --git-dir)/hook-ran"\n');
    chmodSync(at('.git/hooks/post-index-change'), 0o755);
    repo.write('a', 'two\n');
    repo.git('add', 'a');
    repo.write('new', 'new\n');
    repo.remove('b');
    let runs = 0;
    const counting: CaptureDeps['git'] = (...call) => {
      runs += 1;
      return repo.deps.git(...call);
    };
    await repo.unharmed(() => captureSource({ ...repo.deps, git: counting }, { folder: repo.folder }));
    assert.ok(runs > 10);
    for (let failing = 1; failing <= runs; failing++) {
      let run = 0;
      const broken: CaptureDeps['git'] = async (...call) => {
        const ran = await repo.deps.git(...call);
        run += 1;
        if (run === failing) throw new Error('the machine went away');
        return ran;
      };
      await assert.rejects(
        repo.unharmed(() => captureSource({ ...repo.deps, git: broken }, { folder: repo.folder })),
        { message: 'the machine went away' },
      );
    }
  });
});
