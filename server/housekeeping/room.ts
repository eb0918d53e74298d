import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TurnRepo } from '../agent/turn-context.ts';
import { DISK_FULL, diskFull, isForWantOfRoom, isFull } from '../repo/disk.ts';
import type { SandboxSessions } from '../sandbox/lifecycle/machines.ts';
import { type Sandbox, SandboxError } from '../sandbox/sandbox.ts';
import type { EventLog } from '../tasks/event-log.ts';
import type { TaskStore } from '../tasks/task-store.ts';

/** What a turn does on the relay's disk, with the patience to wait while that is full. */
export interface Room {
  repo(repo: TurnRepo): TurnRepo;
  sandboxes(sessions: SandboxSessions): SandboxSessions;
}

/** How often (ms) it is looked whether there is room, or the turn was stopped; and how often at least it is tried anyway. */
const LOOK_MS = 250;
const TRY_ANYWAY_MS = 10_000;

/** The wait of a turn, under the claim by which it runs. */
interface Waiting {
  turnId: string;
  epoch: number;
  id: string;
}

/**
 * Lets a turn wait while the disk is full, instead of failing: its person is told why, and it goes on by itself once there is room. What is
 * done again must be safe to repeat, which is what a turn's steps are.
 *
 * @param folders where repositories and sandboxes are
 */
export function createRoom({
  folders,
  log,
  store,
  logger,
}: {
  folders: readonly string[];
  log: Pick<EventLog, 'append'>;
  store: Pick<TaskStore, 'get' | 'standing'>;
  logger: Pick<Logger, 'warn'>;
}): Room {
  /** @param isMine whether a failure may have to do with the disk at all */
  async function patiently<T>(
    taskId: string,
    work: () => Promise<T>,
    isMine: (error: unknown) => boolean = () => true,
  ): Promise<T> {
    let waiting: Waiting | undefined;
    for (;;) {
      try {
        const result = await work();
        if (waiting) await say(taskId, waiting, 'turn.continued');
        return result;
      } catch (error) {
        if (!isMine(error) || !(await isForWantOfRoom(error, folders))) throw error;
        if (!waiting) {
          logger.warn({ taskId, err: error }, 'the disk is full');
          waiting = await begin(taskId);
          if (waiting) await say(taskId, waiting, 'turn.waiting');
        }
        if (!waiting || !(await untilRoom(waiting))) throw diskFull(error);
      }
    }
  }

  /** The turn that would wait; undefined where none runs, or it is to stop. */
  async function begin(taskId: string): Promise<Waiting | undefined> {
    const turnId = (await store.get(taskId))?.activeTurn ?? undefined;
    const standing = turnId === undefined ? undefined : await store.standing(turnId);
    if (turnId === undefined || standing?.state !== 'running' || standing.stopRequested) return undefined;
    return { turnId, epoch: standing.epoch, id: randomUUID() };
  }

  async function say(
    taskId: string,
    { turnId, epoch, id }: Waiting,
    type: 'turn.waiting' | 'turn.continued',
  ): Promise<void> {
    const event =
      type === 'turn.waiting' ? ({ type, turnId, reason: DISK_FULL } as const) : ({ type, turnId } as const);
    // Where it is another's by now, that one knows better; the next step of this one finds out.
    await log.append(taskId, { turnId, epoch }, [{ key: `${turnId}:disk:${id}:${type}`, event }]);
  }

  /** @returns false where nobody waits for it any more */
  async function untilRoom({ turnId, epoch }: Waiting): Promise<boolean> {
    for (let waited = 0; waited < TRY_ANYWAY_MS; waited += LOOK_MS) {
      await delay(LOOK_MS, undefined, { ref: false });
      const standing = await store.standing(turnId);
      if (standing?.state !== 'running' || standing.epoch !== epoch || standing.stopRequested) return false;
      if (!(await isFull(folders))) return true;
    }
    return true;
  }

  const inSandbox = (taskId: string, sandbox: Sandbox): Sandbox => ({
    ...sandbox,
    // Neither has begun where it says that there is no room.
    exec: (...args) => patiently(taskId, () => sandbox.exec(...args), isNoSpace),
    writeFile: (request) => patiently(taskId, () => sandbox.writeFile(request), isNoSpace),
  });

  return {
    repo: (repo) => ({
      ...repo,
      prepare: (taskId, ...args) => patiently(taskId, () => repo.prepare(taskId, ...args)),
      checkout: (taskId, ...args) => patiently(taskId, () => repo.checkout(taskId, ...args)),
      capture: (taskId, ...args) => patiently(taskId, () => repo.capture(taskId, ...args)),
      rewritten: (taskId, ...args) => patiently(taskId, () => repo.rewritten(taskId, ...args)),
      setWorkspace: (sandbox, setting) =>
        patiently(setting.taskId, () => repo.setWorkspace(sandbox, setting)),
    }),
    sandboxes: (sessions) => ({
      ...sessions,
      open: async (taskId) => inSandbox(taskId, await patiently(taskId, () => sessions.open(taskId))),
      reopen: async (taskId, signal) =>
        inSandbox(taskId, await patiently(taskId, () => sessions.reopen(taskId, signal))),
    }),
  };
}

const isNoSpace = (error: unknown): boolean => error instanceof SandboxError && error.code === 'no-space';
