import { EventEmitter } from 'node:events';
import { type RelayClient, RelayError } from '../../server/protocol/client.ts';
import { unitsOf, withDecisions } from '../../server/protocol/ledger.ts';
import type { Changes, Decided, Decision, FileDecisions } from '../../server/protocol/review.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import type { TaskStore } from '../relay/task-store.ts';
import { ExpectedError } from '../ui/failure.ts';
import { decideFiles } from './decisions.ts';

/** One task's proposal, and what of it the relay knows to be accepted. */
export interface Review {
  taskId: string;
  title: string;
  changes: Changes;
  /** What is decided, by path and unit; also of units that this revision does not have. */
  decided: FileDecisions[];
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
 * The review that the editor shows. Decisions are the relay's: each is sent there, one after the other, and only what it recorded
 * is shown. They are about units by their identity, so a new revision keeps those of what did not change.
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

  async function patch(review: Review, decisions: Decision[]): Promise<Review> {
    const relay = await client();
    const { acceptedTree, seq } = await relay.patchReview(review.taskId, { decisions });
    const decided = withDecisions(review.decided, named(review.changes, decisions));
    return { ...review, decided, acceptedTree, seq };
  }

  /** Reads the proposal. What was accepted of an earlier revision is brought up to this one by the relay. */
  async function read(taskId: string): Promise<Review> {
    const relay = await client();
    const [state, changes] = await Promise.all([store.read(taskId), relay.changes(taskId)]);
    const { review: recorded, title, seq } = state;
    const review: Review = {
      taskId,
      title,
      changes,
      decided: recorded?.files ?? [],
      acceptedTree: recorded?.acceptedTree,
      seq,
    };
    const isCurrent = recorded === undefined || recorded.revision === changes.revision;
    return isCurrent ? review : patch(review, []);
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

  /** Decides, and resolves with what the relay recorded. */
  function decide(taskId: string, decisionsFor: (review: Review) => Decision[]): Promise<Review> {
    return enqueue(async () => {
      const review = current?.taskId === taskId ? current : await read(taskId);
      try {
        show(await patch(review, decisionsFor(review)));
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

  /** Accepts files, or takes that back. */
  const setAccepted = (taskId: string, paths: string[] | 'all', yes: boolean): Promise<Review> =>
    decide(taskId, ({ changes }) =>
      decideFiles(
        changes,
        paths === 'all' ? changes.files.map(({ path }) => path) : paths,
        yes ? 'accepted' : 'pending',
      ),
    );

  function follow(state: TaskState): void {
    if (current?.taskId !== state.taskId || state.seq < current.seq) return;
    const { review, proposal } = state;
    const isNew = proposal !== undefined && proposal.revision !== current.changes.revision;
    if (isNew) {
      load(state.taskId).catch(report);
    } else if (review?.revision === current.changes.revision && review.files !== current.decided) {
      const { files: decided, acceptedTree } = review;
      show({ ...current, decided, acceptedTree, seq: state.seq });
    }
  }

  store.events.on('change', ({ events: batch, state }) => {
    if (batch.some(({ type }) => type === 'proposal.changed' || type === 'review.decided')) follow(state);
  });
  store.events.on('opened', follow);

  return {
    events,
    current: () => current,
    load,
    decide,
    setAccepted,
    close: () => show(undefined),
  };
}

/** The decisions with every unit by its hash, as the relay records them. */
function named({ files }: Changes, decisions: Decision[]): Decided[] {
  return decisions.map(({ path, hashes, state }) => {
    const file = files.find((candidate) => candidate.path === path);
    return { path, state, hashes: hashes === 'all' ? (file ? unitsOf(file) : []) : hashes };
  });
}
