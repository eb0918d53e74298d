import { randomUUID } from 'node:crypto';
import type * as z from 'zod';
import type { VaultKey } from '../environment/vault-key.ts';
import { AppError } from '../errors.ts';
import { assertToken } from '../github/token.ts';
import type { ArmUnattended, Unattended } from '../protocol/unattended.ts';
import { branchOf, tokenRequired } from '../publish/publish-service.ts';
import type { Remote } from '../publish/remote.ts';
import type { HeldTask, HoldTask } from '../tasks/task-hold.ts';
import type { TaskService } from '../tasks/task-service.ts';
import { type Deposits, depositOf, putDeposit, removeDeposit } from './deposits.ts';
import { type EndReason, endedEvent } from './ended-event.ts';
import { openAlready, openPullRequest } from './open-already.ts';

/** Leaving a token for a pull request that the relay opens by itself. */
export interface UnattendedService {
  /**
   * Keeps the token, sealed, for this one task and until then; one that was left before is destroyed. Throws what would stand in the way of
   * opening the pull request, as far as that can be seen now: nobody is there to be asked later. One that is open already is in the way.
   */
  arm(
    taskId: string,
    command: z.output<typeof ArmUnattended>,
    token: string | undefined,
  ): Promise<Unattended>;
  /** What was left, without the token. */
  get(taskId: string): Promise<Unattended>;
  /** Destroys the token, if there is one. */
  disarm(taskId: string): Promise<void>;
}

const HOUR_MS = 3_600_000;

export function createUnattendedService(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  hold: HoldTask;
  deposits: Deposits;
  remote: Pick<Remote, 'assertKnown' | 'look'>;
  key: () => Promise<VaultKey>;
  now: () => number;
}): UnattendedService {
  const { tasks, hold, deposits, remote, now } = deps;

  return {
    async arm(taskId, { hours, ...plan }, given) {
      if (!given) throw tokenRequired();
      const token = assertToken(given);
      const row = await tasks.row(taskId);
      remote.assertKnown(row);
      const branch = branchOf(await tasks.get(taskId));
      const look = { branch, base: undefined, workflows: [], token };
      const { problems, existing } = await remote.look(row, look);
      if (problems[0]) throw problems[0];
      if (existing) throw openAlready(existing);
      const key = await deps.key();
      const depositId = randomUUID();
      const until = Math.round(now() + hours * HOUR_MS);
      await hold(taskId, async ({ state, archived, append, client, written }) => {
        if (archived) throw archivedTask();
        const armed = { key: armedKey(depositId), event: { type: 'unattended.armed', until } } as const;
        // Done before, and the answer to that was lost.
        if ((await written([armed.key])).size > 0) return;
        const opened = await openPullRequest(client, state);
        if (opened) throw openAlready(opened);
        const known = await depositOf(client, taskId);
        const isOver = known !== undefined && known.until <= now();
        if (known?.publishId && !isOver) throw underWay();
        const ended = known && endedEvent(known.depositId, isOver ? 'expired' : 'cancelled');
        if (known) await removeDeposit(client, known.depositId);
        await append(ended ? [ended, armed] : [armed]);
        await putDeposit(client, key, { taskId, depositId, plan, until, token });
      });
      return { until, plan };
    },

    async get(taskId) {
      const known = await deposits.find(taskId);
      return known ? { until: known.until, plan: known.plan } : {};
    },

    async disarm(taskId) {
      const known = await deposits.find(taskId);
      if (known) await endDeposit(hold, known, 'cancelled');
    },
  };
}

/** Destroys the token and tells why, in one transaction. */
export async function endDeposit(
  hold: HoldTask,
  { taskId, depositId }: { taskId: string; depositId: string },
  reason: EndReason,
  detail?: string,
): Promise<void> {
  await hold(taskId, (task) => endInTask(task, depositId, reason, detail));
}

/** The same in the transaction of whoever holds the task. */
export async function endInTask(
  { append, client }: Pick<HeldTask, 'append' | 'client'>,
  depositId: string,
  reason: EndReason,
  detail?: string,
): Promise<void> {
  if (await removeDeposit(client, depositId)) await append([endedEvent(depositId, reason, detail)]);
}

const armedKey = (depositId: string): string => `unattended:${depositId}:armed`;

const archivedTask = (): AppError =>
  new AppError('conflict', 'The task is archived.', { nextAction: 'Start a new task.' });

const underWay = (): AppError =>
  new AppError(
    'conflict',
    'The pull request is being opened right now, with the token that was left before.',
    {
      nextAction: 'Wait a moment, and look at the task again.',
    },
  );
