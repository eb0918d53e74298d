import assert from 'node:assert/strict';
import {
  LOOKUPS_AT_ONCE,
  MAX_WAITING_LOOKUPS,
  withFewLookups,
} from '../../../server/sandbox/local/egress/lookups.ts';
import { internet } from '../../fakes/internet.ts';

describe('the names that one sandbox has looked up', () => {
  /** A resolver that answers when it is told to. */
  const slow = () => {
    const asked: Array<{ name: string } & PromiseWithResolvers<string[]>> = [];
    const world = withFewLookups({
      ...internet({}, {}),
      resolve(name) {
        const answer = { name, ...Promise.withResolvers<string[]>() };
        asked.push(answer);
        return answer.promise;
      },
    });
    return { asked, world };
  };
  const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}.test`);

  it('are looked up a few at once, the others in turn, also after one that failed', async () => {
    const { asked, world } = slow();
    const all = names(LOOKUPS_AT_ONCE + 2);
    const answers = all.map((name) => world.resolve(name).catch(() => ['failed']));
    await Promise.resolve();
    assert.deepEqual(
      asked.map(({ name }) => name),
      all.slice(0, LOOKUPS_AT_ONCE),
    );
    asked[1]?.reject(new Error('timeout'));
    await answers[1];
    asked[0]?.resolve(['1.1.1.1']);
    await answers[0];
    while (asked.length < all.length) await Promise.resolve();
    for (const { resolve } of asked) resolve(['2.2.2.2']);
    assert.deepEqual(await Promise.all(answers), [
      ['1.1.1.1'],
      ['failed'],
      ...Array.from({ length: LOOKUPS_AT_ONCE }, () => ['2.2.2.2']),
    ]);
    assert.deepEqual(
      asked.map(({ name }) => name),
      all,
    );
  });

  it('are refused where too many wait already, and taken again later', async () => {
    const { asked, world } = slow();
    const answers = names(LOOKUPS_AT_ONCE + MAX_WAITING_LOOKUPS).map((name) => world.resolve(name));
    await assert.rejects(world.resolve('more.test'), new Error('Too many names are being looked up.'));
    for (const one of asked) one.resolve([]);
    for (let index = 0; index < answers.length; index += 1) {
      await answers[index];
      for (const one of asked) one.resolve([]);
    }
    const later = world.resolve('more.test');
    await Promise.resolve();
    asked.at(-1)?.resolve(['1.1.1.1']);
    assert.deepEqual(await later, ['1.1.1.1']);
  });
});
