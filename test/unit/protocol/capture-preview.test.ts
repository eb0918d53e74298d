import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type PersonsRepository, personsRepository, readable } from './persons-repository.ts';

/** Put together here, so that nothing that looks for secrets finds one in this file. */
const TOKEN = ['ghp', 'a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6'].join('_');

describe('capturePreview', () => {
  let repo: PersonsRepository;
  beforeEach(() => {
    repo = personsRepository();
  });
  afterEach(() => repo[Symbol.dispose]());

  it('of a clean repository without a remote is its commits', async () => {
    repo.write('a', 'one\n');
    repo.commit();
    repo.commit();
    assert.deepEqual(await repo.preview(), {
      ...{ toplevel: repo.folder, branch: 'main', unpushedCommits: 2 },
      ...{ files: [], nested: [] },
    });
    repo.git('remote', 'add', 'origin', 'https://example.com/a.git');
    repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD~1');
    assert.equal((await repo.preview()).unpushedCommits, 1);
  });

  it('lists every kind of change with its size', async () => {
    const text = 'a line\n'.repeat(20);
    for (const name of ['staged', 'unstaged', 'gone', 'gone-staged']) repo.write(name, `${name}\n`);
    repo.write('before', text);
    repo.commit();
    repo.git('update-index', '--add', '--cacheinfo', `160000,${'a'.repeat(40)},lib`);
    repo.git('commit', '-q', '-m', 'submodule');
    mkdirSync(path.join(repo.folder, 'lib'));
    for (const name of ['staged', 'unstaged']) repo.write(name, 'changed\n');
    repo.git('add', 'staged');
    repo.remove('gone');
    repo.git('rm', '-q', 'gone-staged');
    repo.git('mv', 'before', 'after');
    repo.git('update-index', '--cacheinfo', `160000,${'b'.repeat(40)},lib`);
    repo.write('new/file', '12345');
    const { files } = await repo.preview();
    assert.deepEqual(files, [
      { path: 'after', kind: 'renamed', from: 'before', bytes: text.length },
      { path: 'gone', kind: 'deleted', bytes: 0 },
      { path: 'gone-staged', kind: 'deleted', bytes: 0 },
      { path: 'lib', kind: 'submodule', bytes: 0 },
      { path: 'new/file', kind: 'untracked', bytes: 5 },
      { path: 'staged', kind: 'staged', bytes: 8 },
      { path: 'unstaged', kind: 'unstaged', bytes: 8 },
    ]);
    assert.deepEqual((await repo.capture()).sent, files);
  });

  it('takes nothing for a change that only looks like one', async () => {
    repo.write('touched', 'same\n');
    repo.commit();
    repo.write('touched', 'same\n');
    repo.write('fleeting', 'staged\n');
    repo.git('add', 'fleeting');
    repo.remove('fleeting');
    assert.deepEqual((await repo.preview()).files, []);
  });

  it('also lists what is too large to be sent, which may then be left out', async () => {
    repo.write('a', 'one\n');
    repo.commit();
    repo.write('disk.img', Buffer.alloc(300 * 1024));
    repo.write('small', 'x\n');
    assert.deepEqual(
      (await repo.preview()).files.map((file) => file.path),
      ['small', 'disk.img'],
    );
    const maxOverlayBytes = 1024;
    await assert.rejects(repo.capture({ maxOverlayBytes }), { code: 'too-large' });
    const { source, leftOut } = await repo.capture({ maxOverlayBytes, exclude: ['disk.img'] });
    assert.deepEqual(readable(source), { small: ['100644', 'x\n'] });
    assert.deepEqual(leftOut, [{ path: 'disk.img', kind: 'untracked', bytes: 300 * 1024 }]);
  });

  it('says what looks like a secret by its name or content, and a capture leaves just that behind', async () => {
    repo.write('.env', 'SECRET=committed\n');
    repo.commit();
    repo.write('.env', 'SECRET=mine\n');
    repo.write('.env.example', 'SECRET=\n');
    repo.write('deploy.pem', 'whatever\n');
    repo.write('notes.txt', `my token is ${TOKEN}\n`);
    repo.write('notes2.txt', 'nothing in particular\n');
    repo.git('add', 'notes.txt');
    const { files } = await repo.preview();
    assert.deepEqual(
      files.map((file) => [file.path, file.secret]),
      [
        ['.env', 'environment'],
        ['.env.example', undefined],
        ['deploy.pem', 'key'],
        ['notes.txt', 'token'],
        ['notes2.txt', undefined],
      ],
    );
    const left = await repo.capture();
    assert.deepEqual(readable(left.source), {
      '.env.example': ['100644', 'SECRET=\n'],
      'notes2.txt': ['100644', 'nothing in particular\n'],
    });
    assert.deepEqual(left.leftOut.map((file) => file.path).toSorted(), ['.env', 'deploy.pem', 'notes.txt']);
    const ticked = await repo.capture({ include: ['.env', 'notes.txt'], exclude: ['notes2.txt'] });
    assert.deepEqual(readable(ticked.source), {
      '.env': ['100644', 'SECRET=mine\n'],
      '.env.example': ['100644', 'SECRET=\n'],
      'notes.txt': ['100644', `my token is ${TOKEN}\n`],
    });
  });

  it('a secret that was only deleted is no secret to send', async () => {
    repo.write('.env', 'SECRET=committed\n');
    repo.commit();
    repo.remove('.env');
    assert.deepEqual(readable((await repo.capture()).source), { '.env': ['100644', null] });
  });

  it('what is left out is left whole, also where it was staged or renamed', async () => {
    const text = 'a line\n'.repeat(20);
    for (const name of ['staged', 'old']) repo.write(name, text);
    repo.commit();
    repo.write('staged', 'mine\n');
    repo.git('add', 'staged');
    repo.git('mv', 'old', 'new');
    const { source, leftOut } = await repo.capture({ exclude: ['staged', 'new', 'old'] });
    assert.deepEqual(source.overlay, []);
    assert.deepEqual(
      leftOut.map((file) => file.path),
      ['new', 'old', 'staged'],
    );
  });

  it('the commit alone can be captured', async () => {
    repo.write('a', 'one\n');
    repo.commit();
    repo.write('a', 'two\n');
    const { source, sent, leftOut } = await repo.capture({ uncommitted: false });
    assert.deepEqual([source.overlay, sent, leftOut], [[], [], []]);
  });
});
