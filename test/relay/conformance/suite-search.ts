import assert from 'node:assert/strict';
import { shell } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

/** Finding files and lines. */
export const search: Topic = (fixture) => {
  const machine = machineFor(fixture);
  before(() =>
    shell(
      machine(),
      `mkdir -p src/deep node_modules/lib .git/objects .github other
       printf 'dist\\nnode_modules/\\n*.log\\n' > .gitignore
       printf 'alpha needle\\nbeta\\nneedle gamma\\r\\n' > src/b.ts; printf 'needle\\n' > src/deep/a.ts
       printf 'Needle\\n' > src/c.js; echo needle > node_modules/lib/i.ts; echo needle > .git/config; echo needle > dist
       echo needle > .github/ci.yml; echo needle > app.log; printf 'needle\\0binary' > other/bin.ts
       printf 'x needle\\n' > "other/new
line.txt"
       touch -d '2020-01-01' src/b.ts; touch -d '2022-01-01' src/deep/a.ts; touch -d '2021-01-01' src/c.js`,
    ),
  );
  const glob = (pattern: string, more = {}) => machine().glob({ pattern, limit: 100, ...more });
  const grep = (pattern: string, more = {}) => machine().grep({ pattern, limit: 100, ...more });

  it('finds files by glob, newest first', async () => {
    assert.deepEqual(await glob('src/**'), {
      matches: ['src/deep/a.ts', 'src/c.js', 'src/b.ts'],
      truncated: false,
    });
    assert.deepEqual(await glob('src/*.{ts,js}'), { matches: ['src/c.js', 'src/b.ts'], truncated: false });
  });

  it('leaves out what is ignored and what belongs to Git, not what is hidden', async () => {
    assert.deepEqual((await glob('*.yml')).matches, ['.github/ci.yml']);
    for (const pattern of ['**/*.log', '**/config', 'node_modules/**', 'dist'])
      assert.deepEqual((await glob(pattern)).matches, []);
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
    await machine().writeFile({ path: 'flags.txt', data: Buffer.from('--pre=evil\n') });
    assert.deepEqual((await grep('--pre=')).matches, [{ path: 'flags.txt', line: 1, text: '--pre=evil' }]);
    assert.deepEqual((await glob('--version')).matches, []);
  });

  it('heeds no configuration that the workspace brings along', async () => {
    await machine().writeFile({ path: '.ripgreprc', data: Buffer.from('--no-ignore\n') });
    assert.equal((await grep('needle')).matches.length, 5);
  });

  it('explains a bad pattern', async () => {
    await assert.rejects(grep('a(b'), { code: 'bad-pattern', message: /unclosed group/ });
    await assert.rejects(glob('a[b'), { code: 'bad-pattern', message: /not closed/ });
    await assert.rejects(grep('x', { glob: 'a/{b' }), { code: 'bad-pattern' });
  });

  it('says that a folder does not exist', async () => {
    await assert.rejects(glob('*', { path: 'absent' }), { code: 'not-found' });
    await assert.rejects(grep('x', { path: 'absent' }), { code: 'not-found' });
  });

  it('stays ordered and bounded with very many matches and very long lines', async () => {
    await shell(machine(), 'mkdir many; for d in a b c; do yes match | head -30000 > many/$d.txt; done');
    await shell(machine(), 'head -c 3000000 /dev/zero | tr "\\0" z > many/long.txt');
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
    await assert.rejects(glob('**', { signal: AbortSignal.abort() }), { code: 'cancelled' });
  });

  describe('among 10,000 files', () => {
    before(() =>
      shell(
        machine(),
        `mkdir big; cd big; for d in $(seq 100); do mkdir d$d; for f in $(seq 100); do echo "$d $f" > d$d/f$f.txt; done; done
         touch -d '2030-01-01' d5/f50.txt`,
        { timeoutMs: 60_000 },
      ),
    );
    it('finds the newest, and says that there are more', async () => {
      const { matches, truncated } = await glob('big/**/*.txt', { limit: 10 });
      assert.deepEqual([matches[0], matches.length, truncated], ['big/d5/f50.txt', 10, true]);
    });
    it('returns thousands, each once', async () => {
      const { matches, truncated } = await glob('big/**', { limit: 5_000 });
      assert.deepEqual([new Set(matches).size, truncated], [5_000, true]);
    });
    it('finds the one line, and the first of many in order', async () => {
      assert.deepEqual(await grep('^7 77$'), {
        matches: [{ path: 'big/d7/f77.txt', line: 1, text: '7 77' }],
        truncated: false,
      });
      const { matches, truncated } = await grep('^\\d+ 1$', { path: 'big', limit: 3 });
      const paths = matches.map(({ path }) => path);
      assert.deepEqual([paths, truncated], [['big/d1/f1.txt', 'big/d10/f1.txt', 'big/d100/f1.txt'], true]);
    });
  });
};
