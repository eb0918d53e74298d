import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { CreateTask, Mode, TaskCreated } from '../protocol/commands.ts';
import type { SourceSpec, SourceSummary } from '../protocol/source.ts';
import type { TaskList, TaskState } from '../protocol/task.ts';
import { filesNotAllowed, isFileUrl } from '../repo/source-url.ts';
import { endedEvent } from '../unattended/ended-event.ts';
import { noSuchTask } from './postgres-store.ts';
import { summaryOf, type TaskStates } from './task-states.ts';
import type { Message, TaskRow, TaskStore } from './task-store.ts';
import { beginTurn } from './turn-start.ts';

/** Commands in, events out: tasks as a whole. Each command is done once however often it is asked. */
export interface TaskService {
  /** @param owner the user who delegates */
  create(command: NewTaskCommand, owner: string): Promise<TaskCreated>;
  archive(taskId: string): Promise<void>;
  get(taskId: string): Promise<TaskState>;
  list(owner: string, before: string | undefined, limit: number): Promise<TaskList>;
  row(taskId: string): Promise<TaskRow>;
  /** Frees what archived tasks still hold on this machine, because a relay died while it did. */
  releaseArchived(): Promise<void>;
}

interface NewTaskCommand extends Required<Pick<CreateTask, 'clientId' | 'prompt'>> {
  source: SourceSpec;
  selection: Message['selection'];
  model?: string | undefined;
  mode?: Mode | undefined;
}

export interface TaskServiceDeps {
  store: TaskStore;
  states: TaskStates;
  /** Says that there is a turn to claim. */
  wake: () => void;
  now: () => number;
  /** This machine's name among the relays. */
  host: string;
  /** Frees what the task holds outside the database: its sandbox. */
  release: (row: TaskRow) => Promise<void>;
  onReleaseFailed: (taskId: string, error: unknown) => void;
  /** Whether the user may have this machine's files read. */
  mayReadFiles: (owner: string) => boolean;
}

const TITLE_LENGTH = 80;

export function createTaskService({
  store,
  states,
  wake,
  now,
  host,
  release,
  onReleaseFailed,
  mayReadFiles,
}: TaskServiceDeps): TaskService {
  async function existing(taskId: string): Promise<TaskRow> {
    const row = await store.get(taskId);
    if (!row) throw noSuchTask(taskId);
    return row;
  }

  async function releaseSandbox(row: TaskRow): Promise<void> {
    await release(row);
    await store.setReleased(row.taskId);
  }

  return {
    async create({ clientId, prompt, source, selection, model, mode }, owner) {
      if (isOfFiles(source) && !mayReadFiles(owner)) throw filesNotAllowed();
      const taskId = randomUUID();
      const turnId = randomUUID();
      const message = { messageId: clientId, text: prompt, selection, ...(mode ? { mode } : {}) };
      const { overlay, ...place } = source;
      const spec = { source: place, ...(model === undefined ? {} : { model }) };
      const task = {
        taskId,
        clientId,
        spec,
        overlay,
        owner,
        host: isOnlyHere(source) ? host : null,
        at: now(),
      };
      const isNew = await store.create(task, async (tx) => {
        await tx.append(null, [
          {
            key: 'created',
            event: {
              type: 'task.created',
              taskId,
              title: titleOf(prompt),
              source: summarize(source),
              ...(model === undefined ? {} : { model }),
            },
          },
        ]);
        await tx.addMessage(turnId, message);
        await beginTurn(tx, turnId, now());
      });
      const made = isNew ? { taskId, turnId } : await store.findByClient(owner, clientId);
      if (!made)
        throw new AppError(
          'conflict',
          'This clientId was used for another task, which is gone or not yours.',
          {
            nextAction: 'Use a new clientId.',
          },
        );
      wake();
      return made;
    },

    async archive(taskId) {
      const row = await store.locked(taskId, async (tx) => {
        if (tx.row.activeTurn !== null) {
          throw new AppError('conflict', 'The task is still running.', {
            nextAction: 'Stop it, then archive it.',
          });
        }
        await tx.setArchived();
        const left = await tx.disarm();
        await tx.append(null, [
          ...(left === undefined ? [] : [endedEvent(left, 'cancelled')]),
          { key: 'archived', event: { type: 'task.archived' } },
        ]);
        return tx.row;
      });
      // Only its own machine can free it; a relay there does when it next looks.
      if (row.host === null || row.host === host) await releaseSandbox(row);
    },

    async get(taskId) {
      await existing(taskId);
      return states.current(taskId);
    },

    async list(owner, before, limit) {
      const { taskIds, next } = await store.page(owner, before, limit);
      const tasks = await Promise.all(taskIds.map((taskId) => states.current(taskId)));
      return { tasks: tasks.map(summaryOf), ...(next === undefined ? {} : { next }) };
    },

    row: existing,

    async releaseArchived() {
      for (const row of await store.unreleased(host)) {
        // One that cannot be freed now is tried again, and does not keep the others.
        await releaseSandbox(row).catch((error: unknown) => onReleaseFailed(row.taskId, error));
      }
    },
  };
}

/** Sources that are files of this machine: only its relays can begin the task. */
const isOnlyHere = (source: SourceSpec): boolean => source.sourceId !== undefined || isOfFiles(source);

const isOfFiles = ({ url }: SourceSpec): boolean => url !== undefined && isFileUrl(url);

function titleOf(prompt: string): string {
  const line = prompt.trim().split('\n', 1)[0] ?? '';
  // A cut must not leave half a character.
  return line.length <= TITLE_LENGTH
    ? line
    : `${line
        .slice(0, TITLE_LENGTH - 1)
        .toWellFormed()
        .trimEnd()}…`;
}

function summarize(source: SourceSpec): SourceSummary {
  const remote = source.remote ?? (isOfFiles(source) ? undefined : source.url);
  const folder = source.url?.replace(/\/+$/, '').split('/').at(-1);
  return {
    repository: remote ?? folder ?? 'uploaded repository',
    commit: source.commit,
    overlayFiles: source.overlay.length,
    ...(remote === undefined ? {} : { remote }),
    ...(source.branch === undefined ? {} : { branch: source.branch }),
  };
}
