import { EventEmitter } from 'node:events';
import { type RelayClient, RelayError } from '../../server/protocol/client.ts';
import type { TaskEvent } from '../../server/protocol/events.ts';
import { reduce } from '../../server/protocol/reduce.ts';
import type { TaskState, TaskSummary } from '../../server/protocol/task.ts';
import type { Log } from '../ui/log.ts';

export interface TaskStoreDeps {
  /** The relay of now; rejects where there is none. */
  client: () => Promise<RelayClient>;
  /** A stream broke off, or a request found nobody. */
  onLost: () => void;
  log: Log;
  /** Events are passed on in batches, this far apart in ms. */
  batchMs?: number;
}

/** What a task went through since the last batch: `state` is after the last of `events`. */
export interface TaskChange {
  taskId: string;
  events: TaskEvent[];
  state: TaskState;
}

export type TaskStore = ReturnType<typeof createTaskStore>;

interface Follower {
  state: TaskState;
  stop: AbortController;
}

const BATCH_MS = 50;
/** Pages of the list that are read at most; older tasks are opened by id. */
const MAX_PAGES = 5;

/**
 * What the editor knows of the relay's tasks: the list, and the whole state of those that are followed (the pinned one, and
 * all that run). A cache, never the truth: `restart` forgets the streams and reads everything again.
 */
export function createTaskStore({ client, onLost, log, batchMs = BATCH_MS }: TaskStoreDeps) {
  const events = new EventEmitter<{ tasks: [TaskSummary[]]; change: [TaskChange]; opened: [TaskState] }>();
  const followers = new Map<string, Follower>();
  const opening = new Map<string, Promise<TaskState>>();
  const batches = new Map<string, TaskEvent[]>();
  let flushing: NodeJS.Timeout | undefined;
  let tasks: TaskSummary[] = [];
  let pinned: string | undefined;
  let reviewed: string | undefined;

  function setTasks(next: TaskSummary[]): void {
    tasks = next;
    events.emit('tasks', tasks);
  }

  function flush(): void {
    flushing = undefined;
    let listed = tasks;
    for (const [taskId, batch] of batches) {
      const follower = followers.get(taskId);
      if (!follower) continue;
      listed = withSummary(listed, summaryOf(follower.state));
      events.emit('change', { taskId, events: batch, state: follower.state });
      if (!isWanted(follower.state)) unfollow(taskId);
    }
    batches.clear();
    if (listed !== tasks) setTasks(listed);
  }

  function receive(follower: Follower, event: TaskEvent): void {
    follower.state = reduce(follower.state, event);
    const { taskId } = follower.state;
    const batch = batches.get(taskId);
    if (batch) batch.push(event);
    else batches.set(taskId, [event]);
    flushing ??= setTimeout(flush, batchMs);
  }

  const isWanted = ({ taskId, status }: TaskState) =>
    taskId === pinned || taskId === reviewed || isActive(status);

  function unfollow(taskId: string): void {
    followers.get(taskId)?.stop.abort();
    followers.delete(taskId);
  }

  /** Reads the task's snapshot and follows it from there. A task that is followed already is answered at once. */
  async function follow(taskId: string): Promise<TaskState> {
    const known = followers.get(taskId);
    if (known) return known.state;
    const running = opening.get(taskId);
    if (running) return running;
    const opened = (async () => {
      const relay = await client();
      const follower: Follower = { state: await relay.getTask(taskId), stop: new AbortController() };
      followers.set(taskId, follower);
      void listen(relay, follower);
      setTasks(withSummary(tasks, summaryOf(follower.state)));
      events.emit('opened', follower.state);
      return follower.state;
    })().finally(() => opening.delete(taskId));
    opening.set(taskId, opened);
    return opened;
  }

  async function listen(relay: RelayClient, follower: Follower): Promise<void> {
    const { taskId, seq } = follower.state;
    try {
      await relay.events(taskId, seq, {
        signal: follower.stop.signal,
        onEvent: (event) => receive(follower, event),
        onState: (state) => {
          if (state === 'reconnecting') onLost();
        },
      });
    } catch (error) {
      if (followers.get(taskId) === follower) followers.delete(taskId);
      log.warn(`task ${taskId} is no longer followed: ${error instanceof Error ? error.message : error}`);
      if (error instanceof RelayError && error.code === 'not_found') {
        setTasks(tasks.filter((task) => task.taskId !== taskId));
      }
    }
  }

  async function refresh(): Promise<TaskSummary[]> {
    const relay = await client();
    const found: TaskSummary[] = [];
    try {
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES; page++) {
        const answer = await relay.listTasks(cursor);
        found.push(...answer.tasks);
        cursor = answer.next;
        if (cursor === undefined) break;
      }
    } catch (error) {
      if (error instanceof RelayError && error.code === 'unreachable') onLost();
      throw error;
    }
    // What is followed may be ahead of the page that was just read.
    const states = [...followers.values()].map(({ state }) => summaryOf(state));
    setTasks(states.reduce((list, summary) => withSummary(list, summary), found));
    const active = found.filter((task) => isActive(task.status) && !followers.has(task.taskId));
    await Promise.all(
      active.map((task) =>
        follow(task.taskId).catch((error: unknown) => log.warn(`cannot follow ${task.taskId}: ${error}`)),
      ),
    );
    return tasks;
  }

  return {
    events,
    tasks: () => tasks,
    /** The state of a followed task. */
    state: (taskId: string): TaskState | undefined => followers.get(taskId)?.state,
    refresh,

    /** Makes this the task that stays followed whatever its status is, and answers with its state. */
    async pin(taskId: string): Promise<TaskState> {
      const before = pinned && followers.get(pinned);
      pinned = taskId;
      if (before && before.state.taskId !== taskId && !isWanted(before.state)) unfollow(before.state.taskId);
      return follow(taskId);
    },

    unpin(): void {
      const before = pinned && followers.get(pinned);
      pinned = undefined;
      if (before && !isWanted(before.state)) unfollow(before.state.taskId);
    },

    /** Makes this the task whose review is open: it stays followed, too. */
    async review(taskId: string): Promise<TaskState> {
      const before = reviewed === undefined ? undefined : followers.get(reviewed);
      reviewed = taskId;
      if (before && !isWanted(before.state)) unfollow(before.state.taskId);
      return follow(taskId);
    },

    /** A followed task as it is, or as the relay tells it now. */
    async read(taskId: string): Promise<TaskState> {
      return followers.get(taskId)?.state ?? (await client()).getTask(taskId);
    },

    /** The relay is another one, or came back at another address: follow there what was followed here. */
    async restart(): Promise<void> {
      const taskIds = [...followers.keys()];
      for (const taskId of taskIds) unfollow(taskId);
      batches.clear();
      await refresh();
      for (const taskId of [pinned, reviewed]) if (taskId !== undefined) await follow(taskId);
    },

    dispose(): void {
      clearTimeout(flushing);
      for (const taskId of [...followers.keys()]) unfollow(taskId);
      events.removeAllListeners();
    },
  };
}

const ACTIVE: ReadonlySet<TaskState['status']> = new Set([
  'idle',
  'running',
  'waiting',
  'asking',
  'stopping',
]);

/** Its turn has not ended: something goes on, is about to, or will once what it waits for is there. */
export function isActive(status: TaskState['status']): boolean {
  return ACTIVE.has(status);
}

/** A task as the list shows it. */
export function summaryOf(state: TaskState): TaskSummary {
  const { taskId, seq, title, status, createdAt, updatedAt } = state;
  const pullRequestUrl = state.publish?.pullRequest?.url;
  return {
    taskId,
    seq,
    title,
    status,
    createdAt,
    updatedAt,
    repository: state.source?.repository ?? '',
    changedFiles: state.proposal?.files.length ?? 0,
    ...(pullRequestUrl === undefined ? {} : { pullRequestUrl }),
  };
}

/** The list with this summary in its place, newest first; an older one than the list has changes nothing. */
function withSummary(list: TaskSummary[], summary: TaskSummary): TaskSummary[] {
  const index = list.findIndex((task) => task.taskId === summary.taskId);
  const known = list[index];
  if (known === undefined) return [summary, ...list].sort((a, b) => b.createdAt - a.createdAt);
  return known.seq >= summary.seq ? list : list.with(index, summary);
}
