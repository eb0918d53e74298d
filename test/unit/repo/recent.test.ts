import assert from 'node:assert/strict';
import { createRecent } from '../../../server/repo/recent.ts';

describe('recent values', () => {
  it('go in the order in which they were last asked for, once there are more than fit', () => {
    const recent = createRecent<number>(2);
    recent.set('a', 1);
    recent.set('b', 2);
    recent.get('a');
    recent.set('c', 3);
    assert.deepEqual([recent.get('a'), recent.get('b'), recent.get('c')], [1, undefined, 3]);
  });

  it('take the room of their own earlier ones', () => {
    const recent = createRecent<number>(2);
    recent.set('a', 1);
    recent.set('b', 2);
    recent.set('a', 3);
    assert.deepEqual([recent.get('a'), recent.get('b')], [3, 2]);
  });

  it('go until the rest fits by weight, and one that never fits pushes nothing out', () => {
    const recent = createRecent<string>(6, (text) => text.length);
    recent.set('a', 'aaa');
    recent.set('b', 'bb');
    recent.set('huge', 'h'.repeat(7));
    assert.deepEqual([recent.get('a'), recent.get('b'), recent.get('huge')], ['aaa', 'bb', undefined]);
    recent.set('c', 'ccccc');
    assert.deepEqual([recent.get('a'), recent.get('b'), recent.get('c')], [undefined, undefined, 'ccccc']);
  });
});
