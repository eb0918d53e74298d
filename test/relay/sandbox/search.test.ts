import assert from 'node:assert/strict';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { type LocalFixture, localFixture, shell } from './support/local.ts';

describe('search in a local sandbox', () => {
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  before(async () => {
    fixture = await localFixture();
    sandbox = await fixture.provider.create({ taskId: 'search' });
    await shell(
      sandbox,
      `mkdir -p src/deep node_modules/lib .git/objects .github other
       printf 'dist\\nnode_modules/\\n*.log\\n' > .gitignore
       printf 'alpha needle\\nbeta\\nneedle gamma\\r\\n' > src/b.ts; printf 'needle\\n' > src/deep/a.ts
       printf 'Needle\\n' > src/c.js; echo needle > node_modules/lib/i.ts; echo needle > .git/config; echo needle > dist
       echo needle > .github/ci.yml; echo needle > app.log; printf 'needle\\0binary' > other/bin.ts
       printf 'needle' > "$(printf 'other/bad\\xff.ts')"; printf 'x needle\\n' > "other/new
line.txt"
       touch -d '2020-01-01' src/b.ts; touch -d '2022-01-01' src/deep/a.ts; touch -d '2021-01-01' src/c.js`,
    );
  });
  after(() => fixture.dispose());

  const glob = async (pattern: string, more = {}) => sandbox.glob({ pattern, limit: 100, ...more });
  const grep = async (pattern: string, more = {}) => sandbox.grep({ pattern, limit: 100, ...more });

  it('finds files by glob, newest first, without what is ignored', async () => {
    assert.deepEqual(await glob('src/**'), {
      matches: ['src/deep/a.ts', 'src/c.js', 'src/b.ts'],
      truncated: false,
    });
    assert.deepEqual(await glob('src/*.{ts,js}'), { matches: ['src/c.js', 'src/b.ts'], truncated: false });
    assert.deepEqual((await glob('*.yml')).matches, ['.github/ci.yml']);
    assert.deepEqual((await glob('**/*.log')).matches, []);
    assert.deepEqual((await glob('**/config')).matches, []);
    assert.deepEqual((await glob('node_modules/**')).matches, []);
  });

  it('finds files in a folder, and names them from the workspace', async () => {
    assert.deepEqual((await glob('*.ts', { path: 'src/deep' })).matches, ['src/deep/a.ts']);
  });

  it('says when there is more than was asked for', async () => {
    assert.deepEqual(await glob('src/**', { limit: 1 }), { matches: ['src/deep/a.ts'], truncated: true });
    assert.deepEqual(await grep('needle', { path: 'src', limit: 1 }), {
      matches: [{ path: 'src/b.ts', line: 1, text: 'alpha needle' }],
      truncated: true,
    });
  });

  it('finds lines, by path and line, without what is ignored or binary', async () => {
    assert.deepEqual(await grep('needle'), {
      matches: [
        { path: '.github/ci.yml', line: 1, text: 'needle' },
        { path: 'other/new\nline.txt', line: 1, text: 'x needle' },
        { path: 'src/b.ts', line: 1, text: 'alpha needle' },
        { path: 'src/b.ts', line: 3, text: 'needle gamma' },
        { path: 'src/deep/a.ts', line: 1, text: 'needle' },
      ],
      truncated: false,
    });
  });

  it('narrows by folder, file, glob and case', async () => {
    const paths = async (more: object) => (await grep('needle', more)).matches.map(({ path }) => path);
    assert.deepEqual(await paths({ path: 'src/deep' }), ['src/deep/a.ts']);
    assert.deepEqual(await paths({ path: 'src/deep/a.ts' }), ['src/deep/a.ts']);
    assert.deepEqual(await paths({ glob: '*.yml' }), ['.github/ci.yml']);
    assert.deepEqual(await paths({ glob: 'src/*.ts' }), ['src/b.ts', 'src/b.ts']);
    assert.deepEqual(await paths({ glob: '*.log' }), []);
    assert.deepEqual(await paths({ path: 'src', glob: '*.js', ignoreCase: true }), ['src/c.js']);
  });

  it('takes a pattern as a pattern, whatever it begins with', async () => {
    await sandbox.writeFile({ path: 'flags.txt', data: Buffer.from('--pre=evil\n') });
    assert.deepEqual((await grep('--pre=')).matches, [{ path: 'flags.txt', line: 1, text: '--pre=evil' }]);
    assert.deepEqual((await glob('--version')).matches, []);
  });

  it('explains a bad pattern in the words of ripgrep', async () => {
    await assert.rejects(grep('a(b'), { code: 'bad-pattern', message: /unclosed group/ });
    await assert.rejects(glob('a[b'), { code: 'bad-pattern', message: /not closed/ });
    await assert.rejects(grep('x', { glob: 'a/{b' }), { code: 'bad-pattern' });
  });

  it('refuses to look outside the workspace', async () => {
    await assert.rejects(grep('x', { path: '/etc' }), { code: 'outside-workspace' });
    await assert.rejects(glob('*', { path: '..' }), { code: 'outside-workspace' });
    await assert.rejects(glob('*', { path: 'absent' }), { code: 'not-found' });
  });

  it('stays ordered and bounded with very many matches and very long lines', async () => {
    await shell(sandbox, 'mkdir many; for d in a b c; do yes match | head -30000 > many/$d.txt; done');
    await shell(sandbox, 'head -c 3000000 /dev/zero | tr "\\0" z > many/long.txt');
    const { matches, truncated } = await grep('match', { path: 'many', limit: 3 });
    assert.deepEqual(
      [matches, truncated],
      [[1, 2, 3].map((line) => ({ path: 'many/a.txt', line, text: 'match' })), true],
    );
    const [long] = (await grep('zzz', { path: 'many' })).matches;
    assert.equal(long?.text.length, 1_000);
  });

  it('ends when its caller gives up', async () => {
    await assert.rejects(grep('needle', { signal: AbortSignal.abort() }), { code: 'cancelled' });
  });

  it('is quick in a repository of 5,000 files', async () => {
    await shell(
      sandbox,
      'mkdir big; cd big; for d in $(seq 50); do mkdir d$d; for f in $(seq 100); do echo "$d $f" > d$d/f$f.txt; done; done',
    );
    const { matches, truncated } = await glob('big/**/*.txt', { limit: 10 });
    assert.deepEqual([matches.length, truncated], [10, true]);
    assert.deepEqual((await grep('^7 77$')).matches, [{ path: 'big/d7/f77.txt', line: 1, text: '7 77' }]);
  });
});
