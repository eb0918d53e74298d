import assert from 'node:assert/strict';
import { createAttempts, type Failed } from '../../../server/models/attempts.ts';
import { createModelHealth } from '../../../server/models/health.ts';

const A = { ref: 'a' };
const B = { ref: 'b' };
const OUTAGE: Failed = { retryable: true, isOutage: true };

describe('asking models until one answers', () => {
  let time = 0;
  const now = (): number => time;
  let health = createModelHealth(now);
  beforeEach(() => {
    time = 1_000_000;
    health = createModelHealth(now);
  });
  const begin = () => createAttempts<{ ref: string }>(health, now, () => 1);

  /** Whom it asks and after how long, while each fails alike. */
  function walk(choices: { ref: string }[], how: (ref: string) => Failed) {
    const attempts = begin();
    const asked: [string, number][] = [];
    let waited = 0;
    for (let choice = attempts.pick(choices); choice; choice = attempts.pick(choices)) {
      asked.push([choice.ref, waited]);
      const again = attempts.failed(choice, how(choice.ref), choices);
      if (again === undefined) break;
      waited = again.delayMs;
      time += waited;
      assert.equal(attempts.pick(choices), again.next, 'what was told is what is done');
    }
    return asked;
  }

  it('waits longer each time where there is one, and gives up after six', () => {
    assert.deepEqual(
      walk([A], () => OUTAGE),
      [
        ['a', 0],
        ['a', 1000],
        ['a', 2000],
        ['a', 4000],
        ['a', 8000],
        ['a', 16_000],
      ],
    );
  });

  it('goes on with the next at once, and waits only once all have failed', () => {
    assert.deepEqual(walk([A, B], () => OUTAGE).slice(0, 5), [
      ['a', 0],
      ['b', 0],
      ['a', 1000],
      ['b', 0],
      ['a', 2000],
    ]);
  });

  it('asks no more whom asking is of no use, and goes on with the others', () => {
    const unauthorized: Failed = { retryable: false, isOutage: true };
    assert.deepEqual(walk([A, B], (ref) => (ref === 'a' ? unauthorized : OUTAGE)).slice(0, 3), [
      ['a', 0],
      ['b', 0],
      ['b', 1000],
    ]);
    assert.deepEqual(
      walk([A], () => unauthorized),
      [['a', 0]],
    );
  });

  it('waits as long as a provider asks, unless another can be asked before', () => {
    const busy: Failed = { ...OUTAGE, retryAfterMs: 7000 };
    assert.deepEqual(walk([A], () => busy).slice(0, 2), [
      ['a', 0],
      ['a', 7000],
    ]);
    assert.deepEqual(walk([A, B], (ref) => (ref === 'a' ? busy : OUTAGE)).slice(0, 3), [
      ['b', 0],
      ['a', 0],
      ['b', 1000],
    ]);
  });

  it('uses up no rounds at once where a provider asks for no wait', () => {
    assert.deepEqual(walk([A], () => ({ ...OUTAGE, retryAfterMs: 0 })).slice(0, 4), [
      ['a', 0],
      ['a', 1000],
      ['a', 2000],
      ['a', 4000],
    ]);
  });

  it('does not wait for longer than ten minutes', () => {
    assert.deepEqual(
      walk([A], () => ({ ...OUTAGE, retryAfterMs: 601_000 })),
      [['a', 0]],
    );
  });

  it('asks last whoever failed lately, for a minute or until it answers', () => {
    const attempts = begin();
    attempts.failed(A, OUTAGE, [A, B]);
    assert.deepEqual(health.inOrder([A, B]), [B, A]);
    assert.equal(begin().pick([A, B]), B);
    time += 60_000;
    assert.deepEqual(health.inOrder([A, B]), [A, B]);
    attempts.failed(A, OUTAGE, [A, B]);
    health.well('a');
    assert.deepEqual(health.inOrder([A, B]), [A, B]);
  });

  it('holds nothing against a model for what only this call did wrong', () => {
    begin().failed(A, { retryable: false, isOutage: false }, [A, B]);
    assert.deepEqual(health.inOrder([A, B]), [A, B]);
  });
});
