import { setTimeout as delay } from 'node:timers/promises';
import type { TurnRepo } from '../agent/turn-context.ts';
import { AppError } from '../errors.ts';
import type { EventOf, TaskEvent } from '../protocol/events.ts';
import type { Proposal, TaskState } from '../protocol/task.ts';
import type { BaseStanding, BaseUpdated, UpdateBase } from '../protocol/update.ts';
import type { Followed } from '../repo/latest.ts';
import type { NewBase } from '../repo/rebase.ts';
import { filesNotAllowed, isFileUrl } from '../repo/source-url.ts';
import { type DecidingRepo, decisionEvent } from './accepted-tree.ts';
import { type EventLog, readAll } from './event-log.ts';
import { workspaceTreeOf } from './next-proposal.ts';
import { rebased } from './rebased.ts';
import type { HeldTask, HoldTask } from './task-hold.ts';
import type { TaskService } from './task-service.ts';
import type { Prepared, TaskRow } from './task-store.ts';

/** Bringing a task onto the newest commit of its branch: only ever when it is asked for. */
export interface UpdateService {
  standing(taskId: string, token: string | undefined): Promise<BaseStanding>;
  update(taskId: string, command: UpdateBase, token: string | undefined): Promise<BaseUpdated>;
}

export interface UpdateRepo extends DecidingRepo, Pick<TurnRepo, 'merge' | 'changedFiles' | 'settleBase'> {
  latestCommit(followed: Followed): Promise<string>;
  fetchCommit(taskId: string, followed: Followed, commit: string): Promise<void>;
  prepareBase(
    taskId: string,
    from: { now: Prepared; commit: string; workspaceTree: string },
  ): Promise<NewBase>;
}

/** Paths that an error names. */
const NAMED = 20;
/** How long (ms) what follows a turn's end is waited for, and how often to look. */
const LONGEST_WAIT_MS = 10_000;
const LOOK_MS = 100;

export function createUpdateService(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  log: EventLog;
  hold: HoldTask;
  repo: UpdateRepo;
  /** Whether the user may have this machine's files read. */
  mayReadFiles: (owner: string) => boolean;
  /** Whether all that the task's turns left in its workspace is known, and nothing that follows them is at work there. */
  haveLeft: (taskId: string) => Promise<boolean>;
  /** Whether a repository is where the person's token belongs; the URL may be a stranger's, of a task that was imported. */
  takesToken: (url: string) => boolean;
}): UpdateService {
  const { tasks, log, hold, repo } = deps;

  function followedBy({ spec, owner }: TaskRow, token: string | undefined): Followed {
    const { url, branch, sourceId } = spec.source;
    if (url === undefined || sourceId !== undefined) {
      throw new AppError('conflict', 'The task started from commits that were uploaded.', {
        nextAction: 'Delegate again from the newer commit: an update could lose what only the upload has.',
      });
    }
    if (branch === undefined) {
      throw new AppError('base_missing', 'The task started from a commit, and not from a branch.', {
        nextAction: 'Switch to a branch, and delegate from there.',
      });
    }
    if (isFileUrl(url) && !deps.mayReadFiles(owner)) throw filesNotAllowed();
    return { url, branch, token: deps.takesToken(url) ? token : undefined };
  }

  /** What is found in the workspace after an update would be taken for work on the new base. */
  async function untilLeft(taskId: string): Promise<void> {
    for (let waited = 0; !(await deps.haveLeft(taskId)); waited += LOOK_MS) {
      if (waited >= LONGEST_WAIT_MS) throw stillChecking();
      await delay(LOOK_MS);
    }
  }

  /** What the task would be on the commit, as it stands now. */
  async function planOf(
    taskId: string,
    now: Prepared,
    commit: string,
  ): Promise<{ seq: number; base: NewBase; headTree: string; conflicts: string[] }> {
    const state = await tasks.get(taskId);
    const workspaceTree = workspaceTreeOf(state, now.baseTree);
    const base = await repo.prepareBase(taskId, { now, commit, workspaceTree });
    const tree = state.proposal?.headTree ?? now.baseTree;
    const head = await rebased(repo, taskId, { tree, from: now.baseTree, to: base.baseTree });
    const conflicts = [...new Set([...base.conflicts, ...head.conflicts])].sort();
    return { seq: state.seq, base, headTree: head.tree, conflicts };
  }

  /** @returns false where the task went on since the plan was made */
  async function carryOut(
    task: HeldTask,
    now: Prepared,
    clientId: string,
    { seq, base, headTree, conflicts }: Awaited<ReturnType<typeof planOf>>,
  ): Promise<boolean> {
    const { state, tx, client } = task;
    assertIdle(task);
    if (state.seq !== seq || tx.row.prepared?.baseCommit !== now.baseCommit) return false;
    const { baseCommit, baseTree, overlay } = base;
    const key = keyOf(clientId);
    const after = await proposalOn(state, baseTree, headTree);
    await task.append([
      {
        key,
        event: { type: 'base.updated', baseCommit, baseTree, formerTree: now.baseTree, conflicts },
      },
      ...(after
        ? [
            {
              key: `${key}:proposal`,
              event: { type: 'proposal.changed' as const, ...after, by: 'update' as const },
            },
          ]
        : []),
      ...(state.review && after ? [await decisionEvent(repo, state, after, [])] : []),
    ]);
    const spec = { ...tx.row.spec, source: { ...tx.row.spec.source, commit: baseCommit } };
    await client.query('UPDATE handoff.tasks SET prepared = $2, spec = $3, overlay = $4 WHERE task_id = $1', [
      state.taskId,
      JSON.stringify({ baseCommit, baseTree }),
      JSON.stringify(spec),
      JSON.stringify(overlay),
    ]);
    return true;
  }

  /** Where nothing was ever proposed, there is nothing to tell but the base. */
  async function proposalOn(
    { taskId, proposal }: TaskState,
    baseTree: string,
    headTree: string,
  ): Promise<Proposal | undefined> {
    if (!proposal) return undefined;
    const files = await repo.changedFiles(taskId, baseTree, headTree);
    return { revision: proposal.revision + 1, baseTree, headTree, files };
  }

  async function unchanged(taskId: string, { baseCommit, baseTree }: Prepared): Promise<BaseUpdated> {
    const { proposal, seq } = await tasks.get(taskId);
    const { revision, headTree } = proposal ?? { revision: 0, headTree: baseTree };
    return { changed: false, baseCommit, baseTree, revision, headTree, conflicts: [], seq };
  }

  return {
    async standing(taskId, token) {
      const row = await tasks.row(taskId);
      const followed = followedBy(row, token);
      const latest = await repo.latestCommit(followed);
      const baseCommit = row.prepared?.baseCommit ?? row.spec.source.commit;
      return {
        branch: followed.branch,
        baseCommit,
        latestCommit: latest,
        isBehind: latest !== baseCommit,
      };
    },

    async update(taskId, { clientId, onConflict = 'refuse' }, token) {
      let latest: string | undefined;
      for (;;) {
        const done = await log.find(taskId, keyOf(clientId));
        const row = await tasks.row(taskId);
        if (!row.prepared) throw notBegun();
        const now = row.prepared;
        if (done?.type === 'base.updated') {
          await repo.settleBase(taskId, now);
          return answerOf(await readAll(log, taskId, done.seq - 1), done);
        }
        assertIdle(row);
        const followed = followedBy(row, token);
        latest ??= await repo.latestCommit(followed);
        if (latest === now.baseCommit) return unchanged(taskId, now);
        await repo.fetchCommit(taskId, followed, latest);
        await untilLeft(taskId);
        const plan = await planOf(taskId, now, latest);
        if (plan.conflicts.length > 0 && onConflict === 'refuse') throw conflicting(plan.conflicts);
        await hold(taskId, (task) => carryOut(task, now, clientId, plan));
      }
    },
  };
}

const keyOf = (clientId: string): string => `update:${clientId}`;

/** The same answer whenever it is asked for. @param events from that one on */
function answerOf(events: readonly TaskEvent[], done: EventOf<'base.updated'>): BaseUpdated {
  const { baseCommit, baseTree, conflicts, seq } = done;
  const [, next] = events;
  const proposal = next?.type === 'proposal.changed' && next.by === 'update' ? next : undefined;
  const { revision, headTree } = proposal ?? { revision: 0, headTree: baseTree };
  return { changed: true, baseCommit, baseTree, revision, headTree, conflicts, seq };
}

function assertIdle({ archived, activeTurn }: Pick<TaskRow, 'archived' | 'activeTurn'>): void {
  if (archived) {
    throw new AppError('conflict', 'The task is archived.', { nextAction: 'Start a new task.' });
  }
  if (activeTurn !== null) {
    throw new AppError('conflict', 'The agent is working.', {
      nextAction: 'Wait until it is done, or stop it; then update.',
    });
  }
}

function stillChecking(): AppError {
  return new AppError('conflict', 'What the agent left is still being collected or checked.', {
    nextAction: 'Try again in a moment.',
  });
}

function notBegun(): AppError {
  return new AppError('conflict', 'The repository has not been fetched yet.', {
    nextAction: 'Wait until the task has begun to work.',
  });
}

function conflicting(paths: string[]): AppError {
  const named = paths.slice(0, NAMED).map((path) => JSON.stringify(path));
  const rest = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '';
  return new AppError('update_conflict', `Both sides have changed ${named.join(', ')}${rest}.`, {
    nextAction:
      'Update with conflict markers, which you or the agent then resolve; or stay on the older commit.',
  });
}
