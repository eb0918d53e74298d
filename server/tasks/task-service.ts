import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/durable.ts';
import { AppError } from '../errors.ts';
import type {
  CreateTask,
  MessageAccepted,
  SendMessage,
  StopAnswer,
  TaskCreated,
} from '../protocol/commands.ts';
import type { SourceSpec, SourceSummary } from '../protocol/source.ts';
import type { TaskList, TaskState } from '../protocol/task.ts';
import { noSuchTask } from './postgres-store.ts';
import { summaryOf, type TaskStates } from './task-states.ts';
import type { Message, TaskRow, TaskStore, TaskTransaction } from './task-store.ts';

/** Commands in, events out: what a client may ask of tasks. Each is done once however often it is asked. */
export interface TaskService {
  create(command: Required<Pick<CreateTask, 'clientId' | 'prompt'>> & Parsed): Promise<TaskCreated>;
  send(taskId: string, command: SendMessage): Promise<MessageAccepted>;
  stop(taskId: string): Promise<StopAnswer>;
  archive(taskId: string): Promise<void>;
  get(taskId: string): Promise<TaskState>;
  list(before: string | undefined, limit: number): Promise<TaskList>;
  row(taskId: string): Promise<TaskRow>;
  /**
   * Puts right what relays that died left behind: turns that were recorded and not started, turns that nobody will go on with,
   * and sandboxes of archived tasks.
   */
  mend(): Promise<void>;
}

interface Parsed {
  source: SourceSpec;
  selection: Message['selection'];
  model?: string | undefined;
}

/** What the workflow of that name is given. */
export interface TurnInput {
  taskId: string;
  turnId: string;
}

export interface TaskServiceDeps {
  store: TaskStore;
  states: TaskStates;
  engine: Pick<Engine, 'start' | 'isLive'>;
  now: () => number;
  /** Frees what the task holds outside the database: its sandbox. */
  release: (row: TaskRow) => Promise<void>;
}

const TITLE_LENGTH = 80;

/** The first model call of a turn: its messages were given to it when the turn began. */
const firstCall = (turnId: string): string => `${turnId}:m1`;

export function createTaskService({ store, states, engine, now, release }: TaskServiceDeps): TaskService {
  const startTurn = (input: TurnInput): Promise<void> => engine.start('turn', input.turnId, input);

  /** Records a turn that begins with what nobody has read yet; the caller starts its workflow once that is committed. */
  async function beginTurn(tx: TaskTransaction, turnId: string): Promise<void> {
    await tx.startTurn(turnId, now());
    const messages = await tx.takeUndelivered(firstCall(turnId));
    await tx.append(turnId, [
      { key: `${turnId}:started`, event: { type: 'turn.started', turnId } },
      ...messages.map((message) => ({
        key: `message:${message.messageId}`,
        event: { type: 'message.delivered' as const, turnId, ...message },
      })),
    ]);
  }

  async function existing(taskId: string): Promise<TaskRow> {
    const row = await store.get(taskId);
    if (!row) throw noSuchTask(taskId);
    return row;
  }

  return {
    async create({ clientId, prompt, source, selection, model }) {
      const taskId = randomUUID();
      const turnId = randomUUID();
      const message = { messageId: clientId, text: prompt, selection };
      const { overlay, ...place } = source;
      const spec = { source: place, ...(model === undefined ? {} : { model }) };
      const isNew = await store.create({ taskId, clientId, spec, overlay, at: now() }, async (tx) => {
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
        await beginTurn(tx, turnId);
      });
      const made = isNew ? { taskId, turnId } : await store.findByClient(clientId);
      if (!made)
        throw new AppError('conflict', 'The task of this clientId was deleted.', {
          nextAction: 'Use a new clientId.',
        });
      await startTurn(made);
      return made;
    },

    async send(taskId, { clientId, text, selection = [] }) {
      const message = { messageId: clientId, text: text.trim(), selection };
      const accepted = await store.locked(taskId, async (tx): Promise<MessageAccepted> => {
        if (tx.row.archived) throw archivedTask();
        const before = await tx.findMessage(clientId);
        if (before?.isDelivered)
          return { messageId: clientId, turnId: before.turnId, disposition: 'started' };
        const running = tx.row.activeTurn;
        const turnId = running ?? randomUUID();
        if (!before) await tx.addMessage(turnId, message);
        if (running === null) {
          // Also for a message that an ended turn left unread: sending it again is how a person asks for that.
          await beginTurn(tx, turnId);
          return { messageId: clientId, turnId, disposition: 'started' };
        }
        await tx.append(null, [{ key: `queued:${clientId}`, event: { type: 'message.queued', ...message } }]);
        return { messageId: clientId, turnId, disposition: 'queued' };
      });
      if (accepted.disposition === 'started') await startTurn({ taskId, turnId: accepted.turnId });
      return accepted;
    },

    stop: (taskId) =>
      store.locked(taskId, async (tx) => {
        const turnId = tx.row.activeTurn;
        if (turnId === null) return { stopped: false };
        await tx.requestStop(turnId);
        await tx.append(turnId, [{ key: `${turnId}:stopping`, event: { type: 'turn.stopping', turnId } }]);
        return { stopped: true, turnId };
      }),

    async archive(taskId) {
      const row = await store.locked(taskId, async (tx) => {
        if (tx.row.activeTurn !== null) {
          throw new AppError('conflict', 'The task is still running.', {
            nextAction: 'Stop it, then archive it.',
          });
        }
        await tx.setArchived();
        await tx.append(null, [{ key: 'archived', event: { type: 'task.archived' } }]);
        return tx.row;
      });
      await releaseSandbox(row);
    },

    async get(taskId) {
      await existing(taskId);
      return states.current(taskId);
    },

    async list(before, limit) {
      const { taskIds, next } = await store.page(before, limit);
      const tasks = await Promise.all(taskIds.map((taskId) => states.current(taskId)));
      return { tasks: tasks.map(summaryOf), ...(next === undefined ? {} : { next }) };
    },

    row: existing,

    async mend() {
      for (const turn of await store.openTurns()) {
        await startTurn(turn);
        if (!(await engine.isLive(turn.turnId))) await endInterrupted(turn);
      }
      for (const row of await store.unreleased()) await releaseSandbox(row);
    },
  };

  async function releaseSandbox(row: TaskRow): Promise<void> {
    await release(row);
    await store.setReleased(row.taskId);
  }

  /** Ends a turn whose workflow will not run again: of an incompatible version, or one that failed for good. */
  function endInterrupted({ taskId, turnId }: TurnInput): Promise<void> {
    return store.locked(taskId, async (tx) => {
      const error = {
        code: 'interrupted' as const,
        message: 'The turn was begun by another version of the relay, which this one cannot go on with.',
        nextAction: 'What it had done is kept. Send a message to go on.',
      };
      await tx.append(turnId, [
        {
          key: `${turnId}:ended`,
          event: { type: 'turn.ended', turnId, outcome: 'failed', error, usage: {} },
        },
      ]);
      await tx.endTurn(turnId);
    });
  }
}

function archivedTask(): AppError {
  return new AppError('conflict', 'The task is archived.', { nextAction: 'Start a new task.' });
}

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
  const remote = source.remote ?? (source.url?.startsWith('file:') ? undefined : source.url);
  const folder = source.url?.replace(/\/+$/, '').split('/').at(-1);
  return {
    repository: remote ?? folder ?? 'uploaded repository',
    commit: source.commit,
    overlayFiles: source.overlay.length,
    ...(remote === undefined ? {} : { remote }),
    ...(source.branch === undefined ? {} : { branch: source.branch }),
  };
}
