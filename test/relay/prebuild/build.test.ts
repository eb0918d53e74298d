import assert from 'node:assert/strict';
import type pg from 'pg';
import { SandboxError } from '../../../server/sandbox/sandbox.ts';
import { openPostgres } from '../lifecycle/garage.ts';
import { mortal } from './mortal.ts';
import { HOUR_MS, NOTHING, ONE, openYard, wishOf, type Yard } from './yard.ts';

describe('building a machine beforehand', function () {
  this.timeout(60_000);
  let postgres: { pool: pg.Pool; close(): Promise<void> };
  let yard: Yard;
  before(async () => {
    postgres = await openPostgres();
  });
  beforeEach(async () => {
    yard = await openYard(postgres.pool);
  });
  after(() => postgres.close());

  it('happens once, however many wish for it at the same time', async () => {
    const held = yard.vendor.hold('create');
    const first = yard.build(wishOf());
    await held.reached;
    await Promise.all([1, 2, 3].map(() => yard.build(wishOf())));
    assert.equal(yard.fetched.length, 1, 'who comes late need not even fetch');
    // Another place of the same key: it is found out with what was fetched.
    await yard.build(wishOf({ remote: 'https://github.com/ada/engine.git' }));
    assert.deepEqual(await yard.states(), ['building']);
    held.release();
    await first;
    await yard.build(wishOf({ commit: 'b'.repeat(40) }));
    await Promise.all([1, 2, 3, 4].map(() => yard.build(wishOf())));
    assert.deepEqual(await yard.states(), ['ready']);
    assert.deepEqual(await yard.left(), ONE);
  });

  it('happens for each key of its own', async () => {
    await Promise.all([yard.build(wishOf()), yard.build(wishOf({ branch: 'next' }))]);
    assert.deepEqual(await yard.states(), ['ready', 'ready']);
  });

  it('leaves nothing where it is not worth while', async () => {
    yard.played.key = () => undefined;
    await yard.build(wishOf());
    assert.deepEqual(await yard.left(), NOTHING);
    assert.deepEqual(yard.vendor.asked, []);
  });

  it('comes to nothing where what is allowed changes under its setup', async () => {
    yard.played.setUp = async () => {
      yard.played.key = () => 'another';
      return true;
    };
    await yard.build(wishOf());
    assert.deepEqual(await yard.left(), NOTHING);
  });

  it('is not tried again for an hour where the setup fails, and leaves no machine', async () => {
    let setups = 0;
    yard.played.setUp = async () => {
      setups += 1;
      return false;
    };
    await yard.build(wishOf());
    assert.deepEqual(await yard.left(), { ...NOTHING, rows: 1 });
    yard.pass(HOUR_MS - 1);
    await yard.build(wishOf());
    assert.equal(setups, 1);
    yard.pass(1);
    await yard.build(wishOf());
    assert.equal(setups, 2);
  });

  it('leaves nothing where the provider fails, nor where the relay closes', async () => {
    yard.vendor.failures.push(new SandboxError('failed', 'no'));
    await assert.rejects(yard.build(wishOf()), /no/);
    assert.deepEqual(await yard.states(), ['failed']);
    assert.deepEqual(await yard.left(), { ...NOTHING, rows: 1 });

    const closing = new AbortController();
    yard.played.setUp = async () => {
      closing.abort();
      return true;
    };
    await assert.rejects(yard.build(wishOf({ branch: 'next' }), undefined, closing.signal));
    assert.deepEqual(await yard.left(), { ...NOTHING, rows: 1 });
  });

  const BEGINNING = ['store.begin', 'repo.prepare', 'store.claim', 'provider.create', 'repo.checkout'];
  const STORIES = {
    'is built': {
      setsUp: true,
      words: [
        ...['store.beginSnapshot', 'provider.snapshot', 'store.keepSnapshot', 'provider.destroy'],
        'store.finish',
      ],
    },
    fails: { setsUp: false, words: ['store.fail', 'provider.list', 'provider.destroy', 'repo.remove'] },
  };
  for (const [story, { setsUp, words }] of Object.entries(STORIES)) {
    for (const when of ['before', 'after'] as const) {
      it(`leaves nothing to the next sweep after an hour, killed ${when} any word of one that ${story}`, async () => {
        const deaths: string[] = [];
        for (let at = 1; ; at += 1) {
          yard = await openYard(postgres.pool);
          yard.played.setUp = async () => setsUp;
          const { change, died } = mortal({ at, when });
          const how = await Promise.race([died, yard.build(wishOf(), change)]);
          if (how === undefined) break;
          deaths.push(how);
          yard.pass(HOUR_MS);
          await yard.openRelay().sweep();
          const isDone = (await yard.states()).includes('ready');
          assert.deepEqual(await yard.left(), isDone ? ONE : NOTHING, how);
          yard.played.setUp = async () => true;
          await yard.build(wishOf());
          assert.deepEqual(await yard.left(), ONE, `${how}, and built anew`);
        }
        assert.deepEqual(
          deaths,
          [...BEGINNING, ...words].map((word) => `${when} ${word}`),
        );
      });
    }
  }

  it('cleans up after itself where it slept so long that others gave it up', async () => {
    const relay = yard.openRelay();
    yard.played.setUp = async () => {
      yard.pass(HOUR_MS);
      await relay.sweep();
      return true;
    };
    await yard.build(wishOf());
    assert.deepEqual(await yard.left(), NOTHING);
  });

  it('is not done while the machine that it was built in is there', async () => {
    const { change } = failingOnce('destroy');
    await assert.rejects(yard.build(wishOf(), change), /not now/);
    assert.deepEqual(await yard.states(), ['failed']);
    assert.deepEqual(await yard.left(), { ...NOTHING, rows: 1 });
  });

  function failingOnce(method: 'destroy') {
    let isFirst = true;
    return {
      change: (deps: Parameters<Parameters<Yard['build']>[1] & object>[0]) => ({
        ...deps,
        provider: {
          ...deps.provider,
          async [method](ref: { provider: string; id: string }) {
            if (isFirst) {
              isFirst = false;
              throw new SandboxError('busy', 'not now');
            }
            await deps.provider[method](ref);
          },
        },
      }),
    };
  }
});
