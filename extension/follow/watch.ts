import type { TaskState } from '../../server/protocol/task.ts';

export interface WatchDeps {
  /** The task that the person looks at now, if any. */
  shown(): TaskState | undefined;
  /** Has the relay look at the pull request, without asking the person for anything. Never rejects. */
  refresh(task: TaskState): Promise<void>;
  now: () => number;
}

/** A pull request that is looked at is read again this often, in milliseconds: each time is some requests of the person's to GitHub. */
const EVERY_MS = 60_000;
/** After whose return to the window it is read again, where it is older than this. */
const STALE_MS = 10_000;

/** Whether there is something that can still change. */
export function isFollowed({ publish, pullRequest, status }: TaskState): boolean {
  return (
    publish?.pullRequest !== undefined && (pullRequest?.state ?? 'open') === 'open' && status !== 'archived'
  );
}

/** Keeps the pull request of the task on screen up to date while it is open. */
export function createPullRequestWatch({ shown, refresh, now }: WatchDeps) {
  const looked = new Map<string, number>();
  let underway: Promise<void> | undefined;

  return {
    /** To be called now and then, and with `isBack` when the person comes back to the window. */
    look(isBack = false): Promise<void> {
      const task = shown();
      if (!task || !isFollowed(task)) return Promise.resolve();
      const age = now() - (looked.get(task.taskId) ?? Number.NEGATIVE_INFINITY);
      if (underway || age < (isBack ? STALE_MS : EVERY_MS)) return underway ?? Promise.resolve();
      looked.set(task.taskId, now());
      underway = refresh(task).finally(() => {
        underway = undefined;
      });
      return underway;
    },
    /** The account changed: what could not be read may be readable now. */
    forget: (): void => looked.clear(),
  };
}
