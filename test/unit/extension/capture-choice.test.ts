import assert from 'node:assert/strict';
import {
  captureChoice,
  isTicked,
  mustAsk,
  summaryOf,
  type Ticks,
  withTicked,
} from '../../../extension/git/capture-choice.ts';
import type { UncommittedFile } from '../../../server/protocol/capture-work.ts';

const ENV: UncommittedFile = { path: '.env', kind: 'untracked', bytes: 100, secret: 'environment' };
const KEY: UncommittedFile = { path: 'id_rsa', kind: 'untracked', bytes: 1000, secret: 'key' };
const CODE: UncommittedFile = { path: 'a.ts', kind: 'unstaged', bytes: 10 };
const MOVED: UncommittedFile = { path: 'new.ts', kind: 'renamed', from: 'old.ts', bytes: 20 };
const ALL = [ENV, CODE, KEY, MOVED];

describe('what of the uncommitted work travels', () => {
  it('is all but what looks like a secret, until the person says otherwise', () => {
    assert.deepEqual(
      [ALL.map((file) => isTicked(file, {})), captureChoice(ALL, {}), summaryOf(ALL, {})],
      [
        [false, true, false, true],
        { include: [], exclude: ['.env', 'id_rsa'] },
        { files: 2, bytes: 30, left: 2 },
      ],
    );
    const ticks: Ticks = { '.env': true, 'new.ts': false };
    assert.deepEqual(
      [ALL.map((file) => isTicked(file, ticks)), captureChoice(ALL, ticks), summaryOf(ALL, ticks)],
      [
        [true, true, false, false],
        { include: ['.env'], exclude: ['id_rsa', 'new.ts', 'old.ts'] },
        { files: 2, bytes: 110, left: 2 },
      ],
    );
  });

  it('is asked as the setting says: always, for a new secret, or never', () => {
    const asked = (files: UncommittedFile[], ticks: Ticks) =>
      (['always', 'secrets', 'never'] as const).map((mode) => mustAsk(mode, files, ticks));
    assert.deepEqual(
      [asked([], {}), asked([CODE], {}), asked([CODE, ENV], {}), asked([ENV], { '.env': false })],
      [
        [false, false, false],
        [true, false, false],
        [true, true, false],
        [true, false, false],
      ],
    );
  });

  it('is remembered where it does not go without saying, and only of the files that were shown', () => {
    const before: Ticks = { 'other.pem': true, 'a.ts': false, '.env': true };
    assert.deepEqual(withTicked(before, ALL, new Set(['a.ts', 'id_rsa'])), {
      'other.pem': true,
      '.env': false,
      id_rsa: true,
      'new.ts': false,
    });
  });

  it('of so many files that not all are remembered, keeps the latest', () => {
    const files = Array.from(
      { length: 600 },
      (_, index): UncommittedFile => ({ ...CODE, path: `f${index}` }),
    );
    const ticks = withTicked({ old: false }, files, new Set());
    assert.deepEqual([Object.keys(ticks).length, ticks.old, ticks.f599], [500, undefined, false]);
  });

  it('is not led astray by names that every object has', () => {
    const odd: UncommittedFile = { path: 'constructor', kind: 'untracked', bytes: 1, secret: 'token' };
    assert.deepEqual([isTicked(odd, {}), mustAsk('secrets', [odd], {})], [false, true]);
    const ticks = withTicked({}, [{ ...odd, path: '__proto__' }], new Set(['__proto__']));
    assert.equal(isTicked({ ...odd, path: '__proto__' }, ticks), true);
  });
});
