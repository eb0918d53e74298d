import assert from 'node:assert/strict';
import type pg from 'pg';
import { openPostgres } from '../lifecycle/garage.ts';
import { NOTHING, openYard, until, wishOf, type Yard } from './yard.ts';

const MINUTE_MS = 60_000;
const FILES = 'file:///home/ada/engine';

describe('a wish for a machine beforehand', function () {
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

  const commit = (letter: string): string => letter.repeat(40);
  const wish = (repository: string, letter = 'a', owner = 'ada') =>
    wishOf({ url: `https://example.com/${repository}`, branch: repository, commit: commit(letter) }, owner);
  /** Wishes are granted in order: once a last one is, those before it have been. */
  async function fetchedBefore(last: Parameters<Yard['prebuilds']['want']>[0]): Promise<string[]> {
    yard.prebuilds.want(last);
    await until(() => yard.fetched.includes(last.source.commit));
    await yard.prebuilds.close();
    return yard.fetched
      .filter((fetched) => fetched !== last.source.commit)
      .map((fetched) => fetched.slice(0, 1));
  }

  it('waits for the one before it, with few others: the oldest is dropped', async () => {
    const held = yard.vendor.hold('create');
    yard.prebuilds.want(wish('first', '0'));
    await held.reached;
    for (const letter of '123456') yard.prebuilds.want(wish(`r${letter}`, letter));
    held.release();
    await until(() => yard.fetched.length === 5);
    await yard.prebuilds.close();
    assert.deepEqual(
      yard.fetched.map((fetched) => fetched[0]),
      ['0', '3', '4', '5', '6'],
    );
  });

  it('takes the place of an earlier one of the same person and repository', async () => {
    const held = yard.vendor.hold('create');
    yard.prebuilds.want(wish('first', '0'));
    await held.reached;
    for (const letter of '1234') yard.prebuilds.want(wish('same', letter));
    held.release();
    assert.deepEqual(await fetchedBefore(wish('last', 'f')), ['0', '4']);
  });

  it('fetches nothing where one was built or found within ten minutes', async () => {
    await yard.build(wish('r', '1'));
    yard.addTask('task', wish('r', '1'));
    yard.pass(9 * MINUTE_MS);
    await yard.prebuilds.find('task');
    yard.pass(9 * MINUTE_MS);
    yard.prebuilds.want(wish('r', '2'));
    assert.deepEqual(await fetchedBefore(wish('last', 'f')), ['1']);
  });

  it('fetches after ten minutes, and at once for another person or branch', async () => {
    await yard.build(wish('r', '1'));
    const other = yard.openRelay();
    other.want(wish('r', '2', 'eve'));
    await until(() => yard.fetched.length === 2);
    const { owner, source } = wish('r', '3');
    other.want({ owner, source: { ...source, branch: 'next' } });
    await until(() => yard.fetched.length === 3);
    yard.pass(10 * MINUTE_MS);
    other.want(wish('r', '4'));
    await until(() => yard.fetched.length === 4);
    await other.close();
    assert.deepEqual(
      yard.fetched.map((fetched) => fetched[0]),
      ['1', '2', '3', '4'],
    );
  });

  it('is heard once an hour for a commit, whatever came of it', async () => {
    yard.played.key = () => undefined;
    const { prebuilds } = yard;
    prebuilds.want(wish('r', '1'));
    await until(() => yard.fetched.length === 1);
    yard.pass(60 * MINUTE_MS - 1);
    prebuilds.want(wish('r', '1'));
    prebuilds.want(wish('later', '2'));
    await until(() => yard.fetched.length === 2);
    yard.pass(1);
    prebuilds.want(wish('r', '1'));
    await until(() => yard.fetched.length === 3);
    await prebuilds.close();
    assert.deepEqual(
      yard.fetched.map((fetched) => fetched[0]),
      ['1', '2', '1'],
    );
  });

  it('follows a task that would have found none, though one of its place is there', async () => {
    await yard.build(wish('r', '1'));
    yard.addTask('same', wish('r', '1'));
    await yard.prebuilds.wantAfter('same', wish('r', '2'));
    assert.deepEqual(yard.fetched, [commit('1')]);
    yard.played.key = ({ source }) => `with the lock file of ${source.commit}`;
    yard.addTask('changed', wish('r', '3'));
    await yard.prebuilds.wantAfter('changed', wish('r', '3'));
    await until(() => yard.fetched.length === 2);
    await yard.prebuilds.close();
    assert.deepEqual(yard.fetched, [commit('1'), commit('3')]);
  });

  it('is not granted for a task that is to have none, for an upload, or for files that its person may not have read', async () => {
    yard.played.key = ({ owner }) => (owner === 'importer' ? undefined : 'key');
    yard.addTask('imported', wish('r', '1', 'importer'));
    await yard.prebuilds.wantAfter('imported', wish('r', '1', 'importer'));
    yard.prebuilds.want(wishOf({ sourceId: '00000000-0000-4000-8000-000000000000', commit: commit('2') }));
    for (const url of [FILES, FILES.toUpperCase()])
      yard.prebuilds.want(wishOf({ url, commit: commit('3') }, 'eve'));
    yard.addTask('eve', wishOf({ url: FILES }, 'eve'));
    await yard.prebuilds.wantAfter('eve', wishOf({ url: FILES, commit: commit('4') }, 'eve'));
    assert.deepEqual(await fetchedBefore(wishOf({ url: FILES, commit: commit('f') })), []);
  });

  it('is dropped where the relay closes', async () => {
    const held = yard.vendor.hold('create');
    yard.prebuilds.want(wish('first', '0'));
    await held.reached;
    yard.prebuilds.want(wish('second', '1'));
    const closed = yard.prebuilds.close();
    yard.prebuilds.want(wish('third', '2'));
    held.release();
    await closed;
    assert.deepEqual(await yard.left(), NOTHING);
    assert.equal(yard.fetched.length, 1);
  });
});
