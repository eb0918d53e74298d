import assert from 'node:assert/strict';
import path from 'node:path';
import { createMakeReady } from '../../../extension/git/make-ready.ts';
import { commitAll, makeClone, temporaryFolder, writeFiles } from '../repo/repositories.ts';

const LOCAL = 'http://127.0.0.1:4000';

describe('what a person is about to delegate', function () {
  this.timeout(30_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let clone: string;
  let first: string;
  let url: string;
  let time: number;
  let warmed: string[];
  beforeEach(() => {
    folder = temporaryFolder();
    const made = makeClone(folder.path, { 'a.txt': 'a\n' });
    clone = made.clone;
    first = made.commit;
    url = LOCAL;
    time = 1_000_000;
    warmed = [];
  });
  afterEach(() => folder[Symbol.dispose]());

  const open = (warm = async (commit: string): Promise<void> => void warmed.push(commit)) =>
    createMakeReady({
      likely: async () => ({ root: clone, name: path.basename(clone), gitPath: 'git' }),
      relay: async () => ({ client: { warm: ({ source }) => warm(source.commit) }, url }),
      now: () => time,
    });

  it('is told to the relay once for a commit, and again after some minutes', async () => {
    const makeReady = open();
    await Promise.all([makeReady(), makeReady()]);
    await makeReady();
    assert.deepEqual(warmed, [first]);
    writeFiles(clone, { 'b.txt': 'b\n' });
    const second = commitAll(clone, 'second');
    await makeReady();
    await makeReady();
    assert.deepEqual(warmed, [first, second]);
    time += 5 * 60_000;
    await makeReady();
    assert.deepEqual(warmed, [first, second, second]);
  });

  it('is told anew where telling failed, or the relay is another', async () => {
    let isAway = true;
    const makeReady = open(async (commit) => {
      if (isAway) throw new Error('The relay does not answer.');
      warmed.push(commit);
    });
    await assert.rejects(makeReady(), /does not answer/);
    isAway = false;
    await makeReady();
    url = 'http://127.0.0.1:5000';
    await makeReady();
    assert.deepEqual(warmed, [first, first]);
  });

  it('is not told to a relay elsewhere, which could not read it', async () => {
    url = 'https://relay.example.com';
    await open()();
    assert.deepEqual(warmed, []);
  });
});
