import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { createLiveLinks, type LiveLinks } from '../../../server/preview/live.ts';

const SECOND = 1_000;

describe('connections under a link', () => {
  let live: LiveLinks;
  let over: Set<string>;
  let looks: string[];
  let broken: boolean;
  let errors: unknown[];
  let cuts: string[];
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 });
    [over, looks, errors, cuts, broken] = [new Set(), [], [], [], false];
    live = createLiveLinks({
      isOver: async (previewId) => {
        looks.push(previewId);
        if (broken) throw new Error('the database is away');
        return over.has(previewId);
      },
      now: Date.now,
      onError: (error) => errors.push(error),
    });
  });
  afterEach(() => mock.timers.reset());

  const begin = (name: string, previewId = 'link', expiresAt = 3_600 * SECOND) =>
    live.begin({ previewId, expiresAt }, () => cuts.push(name));
  /** Time passes, and what is asked then is answered. */
  const pass = async (ms: number): Promise<void> => {
    mock.timers.tick(ms);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };

  it('are cut when the link is revoked here, and no new one begins', () => {
    begin('a');
    begin('b');
    begin('other', 'another');
    live.revoke('link');
    assert.deepEqual([cuts, begin('late')], [['a', 'b'], undefined]);
  });

  it('are cut within ten seconds when another relay revokes the link', async () => {
    begin('a');
    await pass(10 * SECOND);
    assert.deepEqual([cuts, looks], [[], ['link']]);
    over.add('link');
    await pass(10 * SECOND);
    assert.deepEqual(cuts, ['a']);
  });

  it('are cut when the link expires', async () => {
    begin('a', 'link', 3 * SECOND);
    broken = true;
    await pass(3 * SECOND - 1);
    assert.deepEqual(cuts, []);
    await pass(1);
    assert.deepEqual(cuts, ['a']);
  });

  it('go on where nobody can tell, and are looked at again', async () => {
    begin('a');
    broken = true;
    await pass(10 * SECOND);
    assert.deepEqual([cuts, errors.length], [[], 1]);
    [broken, over] = [false, new Set(['link'])];
    await pass(10 * SECOND);
    assert.deepEqual(cuts, ['a']);
  });

  it('cost nothing once they have ended', async () => {
    const [first, second] = [begin('a'), begin('b')];
    first?.();
    await pass(10 * SECOND);
    second?.();
    await pass(60 * SECOND);
    live.revoke('link');
    assert.deepEqual([looks, cuts], [['link'], []]);
  });

  it('are a hundred at most, of each link', () => {
    const ends = Array.from({ length: 100 }, (_, index) => begin(String(index)));
    assert.deepEqual([begin('more'), typeof begin('other', 'another')], [undefined, 'function']);
    ends[0]?.();
    assert.equal(typeof begin('more'), 'function');
  });

  it('are cut when the relay ends', () => {
    begin('a');
    begin('b', 'another');
    live.close();
    assert.deepEqual(cuts, ['a', 'b']);
  });
});
