import assert from 'node:assert/strict';
import { createTaskStore, type TaskStore } from '../../../extension/relay/task-store.ts';
import { decisionsOnRest } from '../../../extension/review/decisions.ts';
import { createReviewSession, type Review, type ReviewSession } from '../../../extension/review/session.ts';
import { createRelayClient } from '../../../server/protocol/client.ts';
import type { ChangedFile } from '../../../server/protocol/review.ts';
import { type RelayDouble, running, silent, startRelayDouble, treeOf } from './relay-double.ts';

const oid = (digit: number) => String(digit).repeat(40);
/** The one unit of a file with that content. */
const unit = (path: string, content: number | undefined) => `${path}${content}`;

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
        whole: unit(file.path, contents[file.path]),
      })),
    });
    relay.append('t', { type: 'proposal.changed', ...trees, files });
  }
  const summary = (review: Review | undefined) =>
    review && {
      revision: review.changes.revision,
      accepted: review.files
        .filter(({ items }) => items.every(({ state }) => state === 'accepted'))
        .map(({ file }) => file.path),
      tree: review.acceptedTree,
    };
  const shown = (revision: number) =>
    new Promise<Review>((resolve) => {
      session.events.on('change', (review) => {
        if (review?.changes.revision === revision) resolve(review);
      });
    });

  it('shows what the relay has recorded', async () => {
    const decisions = [{ path: 'a', hashes: [unit('a', 1)], state: 'accepted' as const }];
    relay.append('t', { type: 'review.decided', revision: 1, decisions, acceptedTree: oid(5) });
    assert.deepEqual(summary(await session.load('t')), { revision: 1, accepted: ['a'], tree: oid(5) });
  });

  const sent = () =>
    relay.reviews.map(({ decisions }) =>
      decisions.map(({ path, hashes, state }) => `${path} ${[hashes].flat().join()} ${state}`),
    );

  it('sends each decision, in the order of the clicks, about the units that are seen', async () => {
    await session.load('t');
    const done = await Promise.all([
      session.setAccepted('t', ['a'], true),
      session.setAccepted('t', 'all', true),
      session.setAccepted('t', ['a'], false),
    ]);
    assert.deepEqual(sent(), [['a a1 accepted'], ['a a1 accepted', 'b b2 accepted'], ['a a1 pending']]);
    assert.deepEqual(done.map(summary).at(-1), { revision: 1, accepted: ['b'], tree: treeOf(3) });
  });

  it('leaves undone what was undone when all is accepted, or that is taken back', async () => {
    await session.load('t');
    await session.setState('t', [{ path: 'a', hashes: [unit('a', 1)] }], 'rejected');
    await session.setAccepted('t', 'all', true);
    await session.setAccepted('t', ['a', 'b'], false);
    assert.deepEqual(sent(), [['a a1 rejected'], ['b b2 accepted'], ['b b2 pending']]);
  });

  it('leaves what was kept when all the rest is undone', async () => {
    await session.load('t');
    await session.setAccepted('t', ['a'], true);
    await session.decide('t', (review) => decisionsOnRest(review, 'rejected'));
    assert.deepEqual(sent(), [['a a1 accepted'], ['b b2 rejected']]);
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
    assert.deepEqual(relay.reviews.at(-1), { decisions: [] });
    assert.deepEqual(reported, []);
  });

  it('never accepts what the person has not seen: a decision on an old revision is refused and shown anew', async () => {
    await session.load('t');
    propose(2, { a: 8, b: 2 });
    await assert.rejects(session.setAccepted('t', ['a'], true), { code: 'revision_changed' });
    assert.deepEqual(summary(session.current()), { revision: 2, accepted: [], tree: undefined });
    assert.deepEqual(relay.reviews, []);
  });

  it('follows a decision that was made elsewhere', async () => {
    await store.pin('t');
    await session.load('t');
    const changed = new Promise<Review | undefined>((resolve) => session.events.once('change', resolve));
    const decisions = [{ path: 'b', hashes: [unit('b', 2)], state: 'accepted' as const }];
    relay.append('t', { type: 'review.decided', revision: 1, decisions, acceptedTree: oid(6) });
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
    assert.deepEqual(sent(), [['a a1 accepted'], ['b b2 accepted'], ['a a1 pending']]);
    assert.deepEqual(summary(session.current()), { revision: 1, accepted: ['b'], tree: treeOf(3) });
  });

  it('keeps what another window decided since when its own answer comes late', async () => {
    await store.pin('t');
    await session.load('t');
    relay.setBeforeAnswer(async () => {
      const news = new Promise<void>((resolve) => {
        session.events.on('change', (review) => {
          if (review?.acceptedTree === oid(6)) resolve();
        });
      });
      const decisions = [{ path: 'b', hashes: [unit('b', 2)], state: 'accepted' as const }];
      relay.append('t', { type: 'review.decided', revision: 1, decisions, acceptedTree: oid(6) });
      await news;
    });
    const decided = await session.setAccepted('t', ['a'], true);
    const expected = { revision: 1, accepted: ['a', 'b'], tree: oid(6) };
    assert.deepEqual([summary(decided), summary(session.current())], [expected, expected]);
  });

  it('undoes decisions one after the other, and does them again', async () => {
    await session.load('t');
    await session.setAccepted('t', ['a'], true);
    await session.setState(
      't',
      [
        { path: 'a', hashes: [unit('a', 1)] },
        { path: 'b', hashes: [unit('b', 2)] },
      ],
      'rejected',
    );
    const states = () => session.current()?.files.map(({ items }) => items.map(({ state }) => state).join());
    const seen = [states()];
    for (const direction of ['undo', 'undo', 'undo', 'redo', 'redo', 'redo'] as const) {
      const wasOne = await session.step(direction);
      seen.push(wasOne ? states() : undefined);
    }
    assert.deepEqual(seen, [
      ['rejected', 'rejected'],
      ['accepted', 'pending'],
      ['pending', 'pending'],
      undefined,
      ['accepted', 'pending'],
      ['rejected', 'rejected'],
      undefined,
    ]);
  });

  it('has nothing to show of a task without changes', async () => {
    propose(2, {});
    await assert.rejects(session.load('t'), { code: 'nothing_accepted' });
    assert.equal(session.current(), undefined);
  });
});
