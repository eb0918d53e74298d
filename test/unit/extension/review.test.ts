import assert from 'node:assert/strict';
import { createBlobCache } from '../../../extension/review/blob-cache.ts';
import { decideParts, inverseOf, partsOfFiles } from '../../../extension/review/decisions.ts';
import { countsOf, outlineOf, partsOf } from '../../../extension/review/outline.ts';
import { FILES_AT_ONCE, firstOpen, partsOfReview } from '../../../extension/review/parts.ts';
import { itemsOf, keptBy, type ReviewNode } from '../../../extension/review/rows.ts';
import { fromReviewUri, type ReviewDocument, toReviewUri } from '../../../extension/review/uris.ts';
import type { Changes, FileChange } from '../../../server/protocol/review.ts';

const oid = (digit: number) => String(digit).repeat(40);

describe('review URIs', () => {
  const DOCUMENTS: ReviewDocument[] = [
    { taskId: 'AbC-1', side: 'base', path: 'src/a.ts', oid: oid(1) },
    { taskId: 'x', side: 'proposal', path: 'dir with space/日本#?%20&=.md' },
    { taskId: 'x', side: 'proposal', path: 'link', facts: true },
  ];
  for (const document of DOCUMENTS) {
    it(`${document.path} comes back as it went`, () => {
      assert.deepEqual(fromReviewUri(toReviewUri(document)), document);
    });
  }

  it('both sides have the same path, or the editor shows a rename', () => {
    const [document] = DOCUMENTS;
    assert.ok(document);
    const [base, proposal] = (['base', 'proposal'] as const).map((side) =>
      toReviewUri({ ...document, side }),
    );
    assert.equal(base?.path, proposal?.path);
    assert.notEqual(base?.authority, proposal?.authority);
  });

  it('others are not read as ours', () => {
    const [ours] = DOCUMENTS.map(toReviewUri);
    assert.ok(ours);
    const wrong = [
      { scheme: 'file' },
      { authority: 'other' },
      { query: 'oid=x' },
      { query: '' },
      { path: 'a' },
    ];
    assert.deepEqual(
      wrong.map((part) => fromReviewUri({ ...ours, ...part })),
      wrong.map(() => undefined),
    );
  });
});

function file(path: string, content: number, hashes: string[] = []): FileChange {
  return {
    path,
    status: 'modified',
    binary: false,
    additions: 1,
    deletions: 1,
    oldMode: '100644',
    newMode: '100644',
    oldOid: oid(0),
    newOid: oid(content),
    hunks: hashes.map((hash) => ({ hash, oldStart: 1, oldLines: 1, newStart: 1, newLines: 1 })),
  };
}

function proposal(revision: number, ...files: FileChange[]): Changes {
  return { revision, baseTree: oid(0), headTree: oid(9), files };
}

describe('review decisions', () => {
  const changes = proposal(1, file('a', 1, ['h1']), file('b', 2, ['h2', 'h3']));

  it('name every unit of a file, and nothing of a path that the proposal does not change', () => {
    assert.deepEqual(decideParts(partsOfFiles({ changes, decided: [] }, ['b', 'elsewhere']), 'accepted'), [
      { path: 'b', hashes: ['h2', 'h3'], state: 'accepted' },
    ]);
  });

  it('have an inverse which brings back each state', () => {
    const decided = [{ path: 'b', accepted: ['h2'], rejected: [] }];
    assert.deepEqual(
      inverseOf(decided, decideParts(partsOfFiles({ changes, decided: [] }, ['a', 'b']), 'rejected')),
      [
        { path: 'a', hashes: ['h1'], state: 'pending' },
        { path: 'b', hashes: ['h3'], state: 'pending' },
        { path: 'b', hashes: ['h2'], state: 'accepted' },
      ],
    );
  });
});

describe('the outline of a review', () => {
  const renamed = [
    { ...file('old', 1, ['gone']), newOid: null, newMode: null },
    { ...file('new', 2, ['come']), oldOid: null, oldMode: null, renamedFrom: 'old' },
  ];

  it('shows a rename once, decided together', () => {
    const changes = proposal(1, ...renamed);
    const [row, ...others] = outlineOf(changes, [{ path: 'new', accepted: ['come'], rejected: [] }]);
    assert.deepEqual(others, []);
    assert.deepEqual(row?.from?.path, 'old');
    assert.deepEqual(row?.items, [
      {
        hash: 'come',
        kind: 'rename',
        parts: [
          { path: 'old', hashes: ['gone'] },
          { path: 'new', hashes: ['come'] },
        ],
        state: 'pending',
      },
    ]);
  });

  it('counts what is decided, and joins what is decided at once', () => {
    const changes = proposal(1, { ...file('a', 1, ['h1', 'h2']), whole: 'w' }, ...renamed);
    const files = outlineOf(changes, [
      { path: 'a', accepted: ['h1'], rejected: ['w'] },
      { path: 'new', accepted: ['come'], rejected: [] },
      { path: 'old', accepted: ['gone'], rejected: [] },
    ]);
    assert.deepEqual(countsOf(files), { total: 4, accepted: 2, rejected: 1 });
    assert.deepEqual(partsOf(files.flatMap(({ items }) => items)), [
      { path: 'a', hashes: ['w', 'h1', 'h2'] },
      { path: 'old', hashes: ['gone'] },
      { path: 'new', hashes: ['come'] },
    ]);
  });
});

describe('keeping a row', () => {
  const changes = proposal(1, file('src/a', 1, ['h1', 'h2']), file('src/b', 2, ['h3']));
  const files = outlineOf(changes, [
    { path: 'src/a', accepted: [], rejected: ['h1'] },
    { path: 'src/b', accepted: [], rejected: ['h3'] },
  ]);
  const folder: ReviewNode = {
    kind: 'folder',
    taskId: 't',
    section: 'read',
    folder: 'src',
    paths: ['src/a', 'src/b'],
  };
  const row = (path: string) => ({ kind: 'file', taskId: 't', path }) as const;
  const CASES = [
    ['a folder leaves what was undone in it', folder, ['h2']],
    ['a file leaves what was undone in it', row('src/a'), ['h2']],
    ['a file that was undone whole is brought back by it', row('src/b'), ['h3']],
    ['a change that was undone is brought back by it', { ...row('src/a'), kind: 'item', hash: 'h1' }, ['h1']],
  ] as const;
  for (const [name, node, expected] of CASES)
    it(name, () =>
      assert.deepEqual(
        keptBy(files, node).map(({ hash }) => hash),
        expected,
      ),
    );

  it('and undoing it takes all of it', () => assert.equal(itemsOf(files, folder).length, 3));
});

describe('a review that is too large for one editor', () => {
  const paths = Array.from({ length: FILES_AT_ONCE + 1 }, (_, n) => `file-${n}`);
  const changes = proposal(1, ...paths.map((path, n) => file(path, 1, [`h${n}`])));
  const decided = paths.map((path, n) => ({ path, accepted: [`h${n}`], rejected: [] }));

  it('has every file in one part, in the order of reading', () => {
    const parts = partsOfReview(outlineOf(changes, []));
    assert.deepEqual(
      parts.map(({ first, files }) => [first, files.length]),
      [
        [0, FILES_AT_ONCE],
        [FILES_AT_ONCE, 1],
      ],
    );
  });

  it('opens where something is not decided', () => {
    const opening = (some: typeof decided) => firstOpen(partsOfReview(outlineOf(changes, some)));
    assert.deepEqual([opening([]), opening(decided.slice(0, -1)), opening(decided)], [0, 1, 0]);
  });
});

describe('the blob cache', () => {
  const bytes = (length: number) => new Uint8Array(length);

  it('fetches a content once', async () => {
    const read = createBlobCache(100);
    let fetched = 0;
    const fetch = async () => {
      fetched += 1;
      return bytes(10);
    };
    await Promise.all([read('a', fetch), read('a', fetch)]);
    await read('a', fetch);
    assert.equal(fetched, 1);
  });

  it('forgets a failure', async () => {
    const read = createBlobCache(100);
    await assert.rejects(read('a', () => Promise.reject(new Error('offline'))));
    assert.equal((await read('a', async () => bytes(1))).length, 1);
  });

  it('drops what was used longest ago when it is full, but never the newest', async () => {
    const read = createBlobCache(100);
    const fetched: string[] = [];
    const want = (oid: string, size: number) =>
      read(oid, async () => {
        fetched.push(oid);
        return bytes(size);
      });
    await want('a', 40);
    await want('b', 40);
    await want('a', 40);
    await want('c', 40);
    await want('a', 40);
    await want('b', 40);
    assert.deepEqual(fetched, ['a', 'b', 'c', 'b']);
    await want('huge', 500);
    await want('huge', 500);
    assert.deepEqual(fetched, ['a', 'b', 'c', 'b', 'huge']);
  });
});
