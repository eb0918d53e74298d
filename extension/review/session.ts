import { EventEmitter } from 'node:events';
import { type RelayClient, RelayError } from '../../server/protocol/client.ts';
import { withDecisions } from '../../server/protocol/ledger.ts';
import type { Changes, Decided, Decision, FileDecisions, UnitState } from '../../server/protocol/review.ts';
import type { SourceSummary } from '../../server/protocol/source.ts';
import type { ReviewThread, TaskState } from '../../server/protocol/task.ts';
import { isActive, type TaskStore } from '../relay/task-store.ts';
import { ExpectedError } from '../ui/failure.ts';
import { decideParts, inverseOf, type Part, partsOfFiles } from './decisions.ts';
import { createHistory, type Step } from './history.ts';
import { outlineOf, type ReviewFile } from './outline.ts';

/** One task's proposal, and what of it the relay knows to be decided. */
export interface Review {
  taskId: string;
  title: string;
  /** What the task started from. */
  source: SourceSummary | undefined;
  changes: Changes;
  /** What is decided, by path and unit; also of units that this revision does not have. */
  decided: FileDecisions[];
  /** The files of `changes` with what is decided of them. */
  files: ReviewFile[];
  /** The tree that a pull request would push; absent before the first decision. */
  acceptedTree: string | undefined;
  /** What was said about the proposal, drafts included. */
  threads: ReviewThread[];
  /** The agent is at work: the proposal can be decided on, and not edited. */
  isWorking: boolean;
  /** The task's seq at which this was so: what the log said before it is older news. */
  seq: number;
}

export interface ReviewDeps {
  client: () => Promise<RelayClient>;
  store: TaskStore;
  report: (error: unknown) => void;
}

export type ReviewSession = ReturnType<typeof createReviewSession>;

/** What another decision about the same proposal is no obstacle to: the proposal itself has gone on. */
const MOVED_ON: ReadonlySet<string> = new Set(['revision_changed', 'bad_request']);

/**
 * The review that the editor shows. Decisions are the relay's: each is sent there, one after the other, and only what it recorded
 * is shown. They are about units by their identity, so a new revision keeps those of what did not change.
 */
export function createReviewSession({ client, store, report }: ReviewDeps) {
  const events = new EventEmitter<{ change: [Review | undefined] }>();
  const history = createHistory();
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

  async function patch(before: Review, decisions: Decision[]): Promise<Review> {
    const relay = await client();
    const { acceptedTree, seq } = await relay.patchReview(before.taskId, { decisions });
    // News may have come before the answer.
    const review = isSameProposal(current, before) && current.seq > before.seq ? current : before;
    if (review !== before && review.seq >= seq) return review;
    return withDecided(review, withDecisions(review.decided, named(decisions)), { acceptedTree, seq });
  }

  /** What is decided: the stream of events may not have told yet what was recorded from here. */
  function newest({ taskId, seq, review }: TaskState): TaskState['review'] {
    if (current?.taskId !== taskId || current.seq <= seq || current.acceptedTree === undefined) return review;
    const { changes, decided, acceptedTree } = current;
    return { revision: changes.revision, files: decided, acceptedTree };
  }

  /** Reads the proposal. What was accepted of an earlier revision is brought up to this one by the relay. */
  async function read(taskId: string): Promise<Review> {
    const relay = await client();
    const [state, changes] = await Promise.all([store.read(taskId), relay.changes(taskId)]);
    const { title, seq, threads } = state;
    const recorded = newest(state);
    const decided = recorded?.files ?? [];
    const review: Review = {
      taskId,
      title,
      source: state.source,
      changes,
      decided,
      files: outlineOf(changes, decided),
      acceptedTree: recorded?.acceptedTree,
      threads,
      isWorking: isActive(state.status),
      seq: Math.max(seq, current?.taskId === taskId ? current.seq : 0),
    };
    const isCurrent = recorded === undefined || recorded.revision === changes.revision;
    return isCurrent ? review : patch(review, []);
  }

  function load(taskId: string): Promise<Review> {
    return enqueue(async () => {
      await store.review(taskId);
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

  const reviewOf = async (taskId: string): Promise<Review> =>
    current?.taskId === taskId ? current : read(taskId);

  /** @returns the review as it is then, and what would bring back what was decided before */
  async function record(taskId: string, decisionsFor: (review: Review) => Decision[]) {
    const review = await reviewOf(taskId);
    const decisions = decisionsFor(review);
    if (decisions.length === 0) return { review, step: undefined };
    const step: Step = { taskId, done: decisions, undone: inverseOf(review.decided, decisions) };
    try {
      const recorded = await patch(review, decisions);
      show(recorded);
      return { review: recorded, step };
    } catch (error) {
      // The checkbox that was clicked shows again what is recorded.
      show(isSameProposal(current, review) ? current : review);
      if (!(error instanceof RelayError && MOVED_ON.has(error.code))) throw error;
      const now = await read(taskId);
      show(now);
      if (now.changes.revision === review.changes.revision) throw error;
      throw new ExpectedError(
        'revision_changed',
        'The agent changed its proposal in the meantime.',
        'Look at the new revision, then decide again.',
        error,
      );
    }
  }

  /** Decides, and resolves with what the relay recorded. */
  function decide(taskId: string, decisionsFor: (review: Review) => Decision[]): Promise<Review> {
    return enqueue(async () => {
      const { review, step } = await record(taskId, decisionsFor);
      if (step) history.add(step);
      return review;
    });
  }

  const setState = (taskId: string, parts: readonly Part[], state: UnitState): Promise<Review> =>
    decide(taskId, () => decideParts(parts, state));

  /** Accepts whole files, or takes that back. What was undone of them stays so. */
  const setAccepted = (taskId: string, paths: string[] | 'all', yes: boolean): Promise<Review> =>
    decide(taskId, (review) => {
      const wanted = paths === 'all' ? review.changes.files.map(({ path }) => path) : paths;
      const isWanted = (state: UnitState) => (yes ? state !== 'rejected' : state === 'accepted');
      return decideParts(partsOfFiles(review, wanted, isWanted), yes ? 'accepted' : 'pending');
    });

  /** Undoes the newest decision of this window, or does it again. @returns whether there was one */
  const step = (direction: 'undo' | 'redo'): Promise<boolean> =>
    enqueue(async () => {
      const found = direction === 'undo' ? history.last() : history.next();
      if (!found) return false;
      try {
        await record(found.taskId, () => (direction === 'undo' ? found.undone : found.done));
      } catch (error) {
        if (error instanceof ExpectedError) history.forget(found);
        throw error;
      }
      if (direction === 'undo') history.undone(found);
      else history.redone(found);
      return true;
    });

  function follow(state: TaskState): void {
    if (current?.taskId !== state.taskId || state.seq < current.seq) return;
    const { review, proposal, threads, seq } = state;
    const isWorking = isActive(state.status);
    const isNew = proposal !== undefined && proposal.revision !== current.changes.revision;
    if (isNew) {
      load(state.taskId).catch(report);
      return;
    }
    const news = { threads, isWorking, seq };
    if (review?.revision === current.changes.revision && review.files !== current.decided) {
      show(withDecided(current, review.files, { ...news, acceptedTree: review.acceptedTree }));
    } else if (threads !== current.threads || isWorking !== current.isWorking) {
      show({ ...current, ...news });
    }
  }

  store.events.on('change', ({ events: batch, state }) => {
    if (batch.some(({ type }) => isAboutReview(type))) follow(state);
  });
  store.events.on('opened', follow);

  return {
    events,
    current: () => current,
    /** The review of a task, shown or not. */
    of: (taskId: string): Promise<Review> => enqueue(() => reviewOf(taskId)),
    load,
    decide,
    setState,
    setAccepted,
    step,
    /**
     * Sends what the person made of a proposed file (null: as in the base) and shows the revision that this is.
     * Rejects as the relay does: `conflict` while the agent works, `revision_changed` where the proposal is not at `revision`.
     */
    edit: (taskId: string, edit: { revision: number; path: string; content: Uint8Array | null }) =>
      enqueue(async () => {
        const relay = await client();
        const content = edit.content === null ? null : Buffer.from(edit.content).toString('base64');
        await relay.editProposal(taskId, { ...edit, content });
        const review = await read(taskId);
        if (current === undefined || current.taskId === taskId) show(review);
        return review;
      }),
    close: () => show(undefined),
  };
}

function withDecided(
  review: Review,
  decided: FileDecisions[],
  news: Partial<Pick<Review, 'acceptedTree' | 'threads' | 'isWorking'>> & { seq: number },
): Review {
  return { ...review, ...news, decided, files: outlineOf(review.changes, decided) };
}

const isSameProposal = (review: Review | undefined, other: Review): review is Review =>
  review?.taskId === other.taskId && review.changes.revision === other.changes.revision;

const isAboutReview = (type: string): boolean => /^(proposal|review|comments?|thread|turn)\./.test(type);

/** The decisions as the relay records them: the editor names every unit. */
const named = (decisions: readonly Decision[]): Decided[] =>
  decisions.flatMap(({ path, hashes, state }) => (hashes === 'all' ? [] : [{ path, hashes, state }]));
