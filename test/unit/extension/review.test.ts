import assert from 'node:assert/strict';
import { createBlobCache } from '../../../extension/review/blob-cache.ts';
import {
  type Accepted,
  carryOver,
  decide,
  fromAccepted,
  toPutReview,
} from '../../../extension/review/decisions.ts';
import { fromReviewUri, type ReviewDocument, toReviewUri } from '../../../extension/review/uris.ts';
import type { Changes, FileChange } from '../../../server/protocol/review.ts';

const oid = (digit: number) => String(digit).repeat(40);

describe('review URIs', () => {
  const DOCUMENTS: ReviewDocument[] = [
    { taskId: 'AbC-1', side: 'base', path: 'src/a.ts', oid: oid(1) },
    { taskId: 'x', side: 'proposal', path: 'dir with space/日本#?%20&=.md', oid: oid(2) },
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
      { query: 'task=x' },
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
  const before = proposal(1, file('a', 1), file('b', 2), file('c', 3, ['h1', 'h2']));

  it('accept whole files and take it back', () => {
    const some = decide(new Map(), before, ['b', 'a'], true);
    assert.deepEqual(toPutReview(1, some), {
      revision: 1,
      accepted: [
        { path: 'a', hunks: 'all' },
        { path: 'b', hunks: 'all' },
      ],
    });
    assert.deepEqual(toPutReview(1, decide(some, before, ['a'], false)).accepted, [
      { path: 'b', hunks: 'all' },
    ]);
  });

  it('never accept a path that the proposal does not change', () => {
    assert.deepEqual(decide(new Map(), before, ['elsewhere'], true), new Map());
  });

  it('stay for what did not change in a new revision', () => {
    const accepted: Accepted = fromAccepted([
      { path: 'a', hunks: 'all' },
      { path: 'b', hunks: 'all' },
      { path: 'c', hunks: ['h1', 'h2'] },
    ]);
    const after = proposal(2, file('a', 1), file('b', 7), file('c', 8, ['h2', 'h3']), file('d', 4));
    assert.deepEqual(
      carryOver(accepted, before, after),
      new Map<string, 'all' | string[]>([
        ['a', 'all'],
        ['c', ['h2']],
      ]),
    );
  });

  it('do not stay where only the mode changed, or the file is no longer part of it', () => {
    const accepted: Accepted = new Map([
      ['a', 'all'],
      ['b', 'all'],
    ]);
    const after = proposal(2, { ...file('a', 1), newMode: '100755' });
    assert.deepEqual(carryOver(accepted, before, after), new Map());
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
