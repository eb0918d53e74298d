import assert from 'node:assert/strict';
import { createTaskStore, type TaskStore } from '../../../extension/relay/task-store.ts';
import { createReviewSession, type Review, type ReviewSession } from '../../../extension/review/session.ts';
import { createRelayClient } from '../../../server/protocol/client.ts';
import type { ChangedFile } from '../../../server/protocol/review.ts';
import { type RelayDouble, running, silent, startRelayDouble, treeOf } from './relay-double.ts';

const oid = (digit: number) => String(digit).repeat(40);

describe('the review session', () => {
  let relay: RelayDouble;
  let store: TaskStore;
  let session: ReviewSession;
  let reported: unknown[];

  beforeEach(async () => {
    relay = await startRelayDouble();
    reported = [];
    const client = async () => createRelayClient({ url: relay.url, token: relay.token, maxBackoffMs: 1 });
    store = createTaskStore({ client, onLost: () => {}, log: silent, batchMs: 1 });
    session = createReviewSession({ client, store, report: (error) => reported.push(error) });
    relay.append('t', ...running('t'));
    propose(1, { a: 1, b: 2 });
  });
  afterEach(async () => {
    store.dispose();
    await relay.close();
  });

  /** The agent proposes these contents, by path. */
  function propose(revision: number, contents: Record<string, number>): void {
    const files = Object.keys(contents).map(
      (path): ChangedFile => ({ path, status: 'modified', binary: false, additions: 1, deletions: 0 }),
    );
    const trees = { revision, baseTree: oid(0), headTree: oid(9) };
    relay.changes.set('t', {
      ...trees,
      files: files.map((file) => ({
        ...file,
        oldMode: '100644',
        newMode: '100644',
        oldOid: oid(0),
        newOid: oid(contents[file.path] ?? 0),
        hunks: [],
      })),
    });
    relay.append('t', { type: 'proposal.changed', ...trees, files });
  }
  const summary = (review: Review | undefined) =>
    review && {
      revision: review.changes.revision,
      accepted: [...review.accepted.keys()],
      tree: review.acceptedTree,
    };
  const shown = (revision: number) =>
    new Promise<Review>((resolve) => {
      session.events.on('change', (review) => {
        if (review?.changes.revision === revision) resolve(review);
      });
    });

  it('shows what the relay has recorded', async () => {
    const accepted = [{ path: 'a', hunks: 'all' as const }];
    relay.append('t', { type: 'review.decided', revision: 1, accepted, acceptedTree: oid(5) });
    assert.deepEqual(summary(await session.load('t')), { revision: 1, accepted: ['a'], tree: oid(5) });
  });

  it('puts the complete decision each time, in the order of the clicks', async () => {
    await session.load('t');
    const done = await Promise.all([
      session.setAccepted('t', ['a'], true),
      session.setAccepted('t', 'all', true),
      session.setAccepted('t', ['a'], false),
    ]);
    assert.deepEqual(
      relay.reviews.map(({ accepted }) => accepted.map(({ path }) => path)),
      [['a'], ['a', 'b'], ['b']],
    );
    assert.deepEqual(done.map(summary).at(-1), { revision: 1, accepted: ['b'], tree: treeOf(3) });
  });

  it('shows only what was recorded when the relay refuses', async () => {
    await session.load('t');
    relay.setRefuseReview(() => 'internal');
    await assert.rejects(session.setAccepted('t', ['a'], true), { code: 'internal' });
    assert.deepEqual(summary(session.current()), { revision: 1, accepted: [], tree: undefined });
  });

  it('keeps decisions of files that a new revision left as they were', async () => {
    await store.pin('t');
    await session.load('t');
    await session.setAccepted('t', 'all', true);
    const next = shown(2);
    propose(2, { a: 1, b: 7, c: 3 });
    assert.deepEqual(summary(await next), { revision: 2, accepted: ['a'], tree: treeOf(2) });
    assert.deepEqual(relay.reviews.at(-1), { revision: 2, accepted: [{ path: 'a', hunks: 'all' }] });
    assert.deepEqual(reported, []);
  });

  it('never accepts what the person has not seen: a decision on an old revision is refused and shown anew', async () => {
    await session.load('t');
    propose(2, { a: 8, b: 2 });
    relay.setRefuseReview(({ revision }) => (revision === 1 ? 'revision_changed' : undefined));
    await assert.rejects(session.setAccepted('t', ['a'], true), { code: 'revision_changed' });
    assert.deepEqual(summary(session.current()), { revision: 2, accepted: [], tree: undefined });
    assert.deepEqual(relay.reviews, []);
  });

  it('follows a decision that was made elsewhere', async () => {
    await store.pin('t');
    await session.load('t');
    const changed = new Promise<Review | undefined>((resolve) => session.events.once('change', resolve));
    const accepted = [{ path: 'b', hunks: 'all' as const }];
    relay.append('t', { type: 'review.decided', revision: 1, accepted, acceptedTree: oid(6) });
    assert.deepEqual(summary(await changed), { revision: 1, accepted: ['b'], tree: oid(6) });
  });

  it('is not set back by news of an earlier decision that comes late', async () => {
    await store.pin('t');
    await session.load('t');
    const letGo = relay.hold();
    await session.setAccepted('t', ['a'], true);
    await session.setAccepted('t', ['b'], true);
    const news = new Promise((resolve) => store.events.once('change', resolve));
    letGo(1);
    await news;
    await session.setAccepted('t', ['a'], false);
    assert.deepEqual(
      relay.reviews.map(({ accepted }) => accepted.map(({ path }) => path)),
      [['a'], ['a', 'b'], ['b']],
    );
    assert.deepEqual(summary(session.current()), { revision: 1, accepted: ['b'], tree: treeOf(3) });
  });

  it('has nothing to show of a task without changes', async () => {
    propose(2, {});
    await assert.rejects(session.load('t'), { code: 'nothing_accepted' });
    assert.equal(session.current(), undefined);
  });
});
