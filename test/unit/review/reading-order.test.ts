import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FileChange } from '../../../server/protocol/review.ts';
import { fileFinder, importsOf } from '../../../server/review/imports.ts';
import { readingOrder } from '../../../server/review/reading-order.ts';
import { riskOf } from '../../../server/review/risk.ts';

/** A modified file, as the review has it; `text` is what it imports by. */
function file(path: string, text = '', more: Partial<FileChange> = {}) {
  const plain = {
    path,
    status: 'modified' as const,
    binary: false,
    additions: 1,
    deletions: 1,
    oldMode: '100644',
    newMode: '100644',
    oldOid: 'a'.repeat(40),
    newOid: 'b'.repeat(40),
    hunks: [],
  };
  const change: FileChange = { ...plain, risk: riskOf({ ...plain, ...more }), ...more };
  return { change, imports: importsOf(path, text) };
}
const orderOf = (...files: ReturnType<typeof file>[]) => readingOrder(files).map(({ path }) => path);

describe('finding files by imports', () => {
  it('takes no longer a file where there are many', () => {
    const paths = Array.from({ length: 30_000 }, (_, index) => [
      `lib/${index}/main.go`,
      `all/${index}.go`,
    ]).flat();
    const find = fileFinder(paths);
    for (let index = 0; index < 30_000; index++) {
      const stem = `example.com/repo/lib/${index}`;
      assert.deepEqual(find({ stem, isFolder: true, isEnd: true }), [`lib/${index}/main.go`]);
    }
    assert.equal(find({ stem: 'example.com/all', isFolder: true, isEnd: true }).length, 30_000);
  }).timeout(5_000);
});

describe('the order of reading', () => {
  it('has what is risky first, what says little late, and what programs made last', () => {
    assert.deepEqual(
      orderOf(
        file('README.md'),
        file('package-lock.json', '', { generated: true }),
        file('src/format.ts'),
        file('src/auth/token.ts'),
        file('test/other.test.ts'),
        file('.github/workflows/ci.yml'),
      ),
      [
        ...['.github/workflows/ci.yml', 'src/auth/token.ts', 'src/format.ts'],
        ...['README.md', 'test/other.test.ts', 'package-lock.json'],
      ],
    );
  });

  it('has a file before those that build on it, and its test right behind it', () => {
    assert.deepEqual(
      orderOf(
        file('src/app.ts', "import { b } from './lib/b.js';\nimport x from './lib';"),
        file('src/lib/b.ts', "export * from './c.ts';"),
        file('src/lib/c.ts'),
        file('src/lib/index.ts', "import './c.ts'"),
        file('test/lib/c.test.ts', "import { c } from '../../src/lib/c.ts';"),
        file('src/lib/b.spec.ts'),
        file('test/whole.test.ts', "import '../src/app.ts';"),
      ),
      [
        ...['src/lib/c.ts', 'test/lib/c.test.ts', 'src/lib/b.ts', 'src/lib/b.spec.ts'],
        ...['src/lib/index.ts', 'src/app.ts', 'test/whole.test.ts'],
      ],
    );
  });

  it('comes to an end where files import each other', () => {
    assert.deepEqual(orderOf(file('b.js', "require('./a')"), file('a.js', "require('./b')")), [
      'b.js',
      'a.js',
    ]);
  });

  it('has every file once, and is the same however they come', () => {
    const path = fc
      .tuple(
        fc.constantFrom('src/', 'test/', 'auth/', ''),
        fc.constantFrom('a', 'b', 'c', 'd'),
        fc.constantFrom('.ts', '.test.ts', '.md', '.lock'),
      )
      .map((parts) => parts.join(''));
    const text = fc
      .array(fc.constantFrom('./a', '../src/b', './c', '../auth/d'))
      .map((names) => names.map((name) => `import '${name}';`).join('\n'));
    const some = fc.uniqueArray(fc.tuple(path, text, fc.boolean()), { selector: ([name]) => name });
    fc.assert(
      fc.property(some, fc.infiniteStream(fc.nat()), (found, picks) => {
        const files = found.map(([name, words, generated]) =>
          file(name, words, generated ? { generated } : {}),
        );
        const shuffled = files
          .map((one) => ({ one, at: picks.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const order = orderOf(...files);
        assert.deepEqual(order.toSorted(), found.map(([name]) => name).toSorted());
        assert.deepEqual(orderOf(...shuffled), order);
        const isMade = readingOrder(files).map(({ generated }) => generated === true);
        assert.deepEqual(isMade, isMade.toSorted(), 'what was made is last');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('imports', () => {
  const paths = [
    ...['src/a.ts', 'src/b/index.tsx', 'pkg/mod/__init__.py', 'pkg/mod/part.py', 'pkg/top.py'],
    ...['internal/store/sql.go', 'internal/store/row.go', 'src/net/mod.rs', 'src/net/tcp.rs'],
    ...['app/src/main/java/com/acme/Cart.java', 'lib/list.h', 'lib/x.rb', 'style/base.css'],
  ];
  const find = fileFinder(paths);
  const found = (path: string, text: string) => [...new Set(importsOf(path, text).flatMap(find))].sort();
  const cases: [path: string, text: string, found: string[]][] = [
    [
      'src/x.ts',
      "import a, {\n  b,\n} from './a.js';\nconst c = await import('./b');",
      ['src/a.ts', 'src/b/index.tsx'],
    ],
    ['src/x.ts', "import a from 'a';\n// from nothing", []],
    [
      'pkg/x.py',
      'from .mod import part\nimport pkg.top as t',
      ['pkg/mod/__init__.py', 'pkg/mod/part.py', 'pkg/top.py'],
    ],
    ['pkg/mod/part.py', 'from ..top import thing', ['pkg/top.py']],
    [
      'cmd/main.go',
      'import (\n\t"fmt"\n\tst "example.com/shop/internal/store"\n)',
      ['internal/store/row.go', 'internal/store/sql.go'],
    ],
    ['src/main.rs', 'mod net;\nuse crate::net::tcp::Stream;', ['src/net/mod.rs', 'src/net/tcp.rs']],
    ['X.java', 'import com.acme.Cart;', ['app/src/main/java/com/acme/Cart.java']],
    ['src/x.c', '#include <stdio.h>\n#include "list.h"', ['lib/list.h']],
    ['lib/y.rb', "require_relative 'x'", ['lib/x.rb']],
    ['style/all.scss', "@use './base';", ['style/base.css']],
    ['notes.unknown', "import './a'", []],
  ];
  for (const [path, text, expected] of cases) {
    it(`of ${path}: ${JSON.stringify(text.slice(0, 40))}`, () =>
      assert.deepEqual(found(path, text), expected));
  }
});
