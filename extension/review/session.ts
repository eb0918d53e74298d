import { EventEmitter } from 'node:events';
import { type RelayClient, RelayError } from '../../server/protocol/client.ts';
import type { Changes, ReviewRecorded } from '../../server/protocol/review.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import type { TaskStore } from '../relay/task-store.ts';
import { ExpectedError } from '../ui/failure.ts';
import { type Accepted, carryOver, decide, fromAccepted, toPutReview } from './decisions.ts';

/** One task's proposal, and what of it the relay knows to be accepted. */
export interface Review {
  taskId: string;
  title: string;
  changes: Changes;
  accepted: Accepted;
  /** The tree that a pull request would push; absent before the first decision. */
  acceptedTree: string | undefined;
  /** The task's seq at which this was so: what the log said before it is older news. */
  seq: number;
}

export interface ReviewDeps {
  client: () => Promise<RelayClient>;
  store: TaskStore;
  report: (error: unknown) => void;
}

export type ReviewSession = ReturnType<typeof createReviewSession>;

/**
 * The review that the editor shows. Decisions are the relay's: each one puts the complete review there, one after the
 * other, and only what it recorded is shown as accepted. A new revision keeps what did not change.
 */
export function createReviewSession({ client, store, report }: ReviewDeps) {
  const events = new EventEmitter<{ change: [Review | undefined] }>();
  let current: Review | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  /** Runs after all that was asked before, so that no decision overtakes another. */
  function enqueue<Result>(work: () => Promise<Result>): Promise<Result> {
    const run = queue.then(work);
    queue = run.catch(() => {});
    return run;
  }

  function show(review: Review | undefined): void {
    current = review;
    events.emit('change', review);
  }

  async function put(review: Review, accepted: Accepted): Promise<Review> {
    const relay = await client();
    const answer: ReviewRecorded = await relay.putReview(
      review.taskId,
      toPutReview(review.changes.revision, accepted),
    );
    return { ...review, accepted, acceptedTree: answer.acceptedTree, seq: answer.seq };
  }

  /** Reads the proposal. What was accepted of an earlier revision that is known here is put again where it still holds. */
  async function read(taskId: string): Promise<Review> {
    const relay = await client();
    const [state, changes] = await Promise.all([store.read(taskId), relay.changes(taskId)]);
    const fresh = { taskId, title: state.title, changes, seq: state.seq };
    const recorded = state.review;
    if (recorded?.revision === changes.revision) {
      return { ...fresh, accepted: fromAccepted(recorded.accepted), acceptedTree: recorded.acceptedTree };
    }
    const known = current?.taskId === taskId ? current : undefined;
    const kept = known ? carryOver(known.accepted, known.changes, changes) : new Map();
    const review: Review = { ...fresh, accepted: new Map(), acceptedTree: undefined };
    return kept.size === 0 ? review : put(review, kept);
  }

  function load(taskId: string): Promise<Review> {
    return enqueue(async () => {
      const review = await read(taskId);
      if (review.changes.files.length === 0) {
        throw new ExpectedError(
          'nothing_accepted',
          'The task has changed no file yet.',
          'Wait for the agent, or tell it what to change.',
        );
      }
      show(review);
      return review;
    });
  }

  /** Accepts files, or takes that back. Resolves with what the relay recorded. */
  function setAccepted(taskId: string, paths: string[] | 'all', yes: boolean): Promise<Review> {
    return enqueue(async () => {
      const review = current?.taskId === taskId ? current : await read(taskId);
      const decided = (of: Review) =>
        decide(
          of.accepted,
          of.changes,
          paths === 'all' ? of.changes.files.map(({ path }) => path) : paths,
          yes,
        );
      try {
        show(await put(review, decided(review)));
      } catch (error) {
        // The checkbox that was clicked shows again what is recorded.
        show(review);
        if (!(error instanceof RelayError && error.code === 'revision_changed')) throw error;
        const moved = await read(taskId);
        show(moved);
        throw new ExpectedError(
          'revision_changed',
          'The agent changed its proposal in the meantime.',
          'Look at the new revision, then decide again.',
          error,
        );
      }
      return current ?? review;
    });
  }

  function follow(state: TaskState): void {
    if (current?.taskId !== state.taskId || state.seq < current.seq) return;
    const { review, proposal } = state;
    const isNew = proposal !== undefined && proposal.revision !== current.changes.revision;
    if (isNew) {
      load(state.taskId).catch(report);
    } else if (
      review?.revision === current.changes.revision &&
      review.acceptedTree !== current.acceptedTree
    ) {
      const { accepted, acceptedTree } = review;
      show({ ...current, accepted: fromAccepted(accepted), acceptedTree, seq: state.seq });
    }
  }

  store.events.on('change', ({ events: batch, state }) => {
    if (batch.some(({ type }) => type === 'proposal.changed' || type === 'review.changed')) follow(state);
  });
  store.events.on('opened', follow);

  return {
    events,
    current: () => current,
    load,
    setAccepted,
    close: () => show(undefined),
  };
}
