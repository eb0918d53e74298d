import assert from 'node:assert/strict';
import { globTest, isNameGlob } from '../../../server/sandbox/supervisor/glob-pattern.ts';

describe('a glob', () => {
  const paths = [
    'a.ts',
    'b.tsx',
    'src/a.ts',
    'src/deep/a.ts',
    'src/[x]/p.ts',
    'docs/a+b.md',
    'src/.env',
    'ünï/ö.ts',
  ];
  const cases: Array<[pattern: string, matches: string[]]> = [
    ['*.ts', ['a.ts', 'src/a.ts', 'src/deep/a.ts', 'src/[x]/p.ts', 'ünï/ö.ts']],
    ['/*.ts', ['a.ts']],
    ['./*.ts', ['a.ts', 'src/a.ts', 'src/deep/a.ts', 'src/[x]/p.ts', 'ünï/ö.ts']],
    ['src/*.ts', ['src/a.ts']],
    ['src/**/*.ts', ['src/a.ts', 'src/deep/a.ts', 'src/[x]/p.ts']],
    ['src/**', ['src/a.ts', 'src/deep/a.ts', 'src/[x]/p.ts', 'src/.env']],
    ['**/a.ts', ['a.ts', 'src/a.ts', 'src/deep/a.ts']],
    ['**/*', paths],
    ['*.{ts,tsx}', ['a.ts', 'b.tsx', 'src/a.ts', 'src/deep/a.ts', 'src/[x]/p.ts', 'ünï/ö.ts']],
    ['?.ts', ['a.ts', 'src/a.ts', 'src/deep/a.ts', 'src/[x]/p.ts', 'ünï/ö.ts']],
    ['[a-c].ts*', ['a.ts', 'b.tsx', 'src/a.ts', 'src/deep/a.ts']],
    ['[!a].ts*', ['b.tsx', 'src/[x]/p.ts', 'ünï/ö.ts']],
    ['src/\\[x\\]/*', ['src/[x]/p.ts']],
    ['a+b.md', ['docs/a+b.md']],
    ['a.*', ['a.ts', 'src/a.ts', 'src/deep/a.ts']],
    ['deep', []],
  ];
  for (const [pattern, matches] of cases) {
    it(`${pattern} matches ${matches.length === 0 ? 'nothing' : matches.join(' ')}`, () => {
      assert.deepEqual(paths.filter(globTest(pattern)), matches);
    });
  }

  it('that is malformed is refused', () => {
    for (const pattern of ['', '/', 'a[b', 'a{b', '*'.repeat(50), 'x'.repeat(2_000), '[z-a]'])
      assert.throws(() => globTest(pattern), { code: 'bad-pattern' }, pattern);
  });

  it('about names only is told from one about paths', () => {
    assert.deepEqual(['*.ts', '*.{ts,tsx}', 'a.md', 'src/*.ts', '**', '!*.ts', 'include:x'].map(isNameGlob), [
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
