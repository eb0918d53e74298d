import type { Selection } from '../protocol/commands.ts';
import type { SourceSpec } from '../protocol/source.ts';
import type { SandboxRef } from '../sandbox/sandbox.ts';
import type { KeyedEvent } from './event-log.ts';

/** What a task was created with; the overlay, which may be large, is kept apart. */
export interface TaskSpec {
  source: Omit<SourceSpec, 'overlay'>;
  model?: string;
}

/** The source once it has been fetched: what the proposal is compared with. */
export interface Prepared {
  baseCommit: string;
  baseTree: string;
}

export interface TaskRow {
  taskId: string;
  spec: TaskSpec;
  activeTurn: string | null;
  sandbox: SandboxRef | null;
  prepared: Prepared | null;
  archived: boolean;
}

export interface Message {
  messageId: string;
  text: string;
  selection: Selection[];
}

export interface NewTask {
  taskId: string;
  clientId: string;
  spec: TaskSpec;
  overlay: SourceSpec['overlay'];
  /** Milliseconds since 1970. */
  at: number;
}

/** The rows behind a task that are not events: what the relay must know to act. */
export interface TaskStore {
  get(taskId: string): Promise<TaskRow | undefined>;
  page(before: string | undefined, limit: number): Promise<{ taskIds: string[]; next?: string }>;
  /** The task and first turn that this `clientId` made before, if it did. */
  findByClient(clientId: string): Promise<{ taskId: string; turnId: string } | undefined>;
  setSandbox(taskId: string, ref: SandboxRef): Promise<void>;
  setPrepared(taskId: string, prepared: Prepared): Promise<void>;
  overlay(taskId: string): Promise<SourceSpec['overlay']>;
  /** Archived tasks whose sandbox was not yet released, and word that it was. */
  unreleased(): Promise<TaskRow[]>;
  setReleased(taskId: string): Promise<void>;
  /** Makes a task and runs `work` in the same transaction; false, and nothing done, where `clientId` made one before. */
  create(task: NewTask, work: (tx: TaskTransaction) => Promise<void>): Promise<boolean>;
  /** Runs `work` with the task's row locked, in one transaction. */
  locked<T>(taskId: string, work: (tx: TaskTransaction) => Promise<T>): Promise<T>;
  isStopRequested(turnId: string): Promise<boolean>;
  /** Turns that have not ended, oldest first. */
  openTurns(): Promise<{ taskId: string; turnId: string }[]>;
  /** Messages for this model call: those given to it before, and those that nobody was given. In the order they came. */
  takeMessages(taskId: string, deliveredTo: string): Promise<Message[]>;
  /** The value under `key`, computed at the first time and the same ever after. */
  memo<T>(taskId: string, key: string, compute: () => Promise<T>): Promise<T>;
}

/** What may be done while a task's row is locked. */
export interface TaskTransaction {
  row: TaskRow;
  startTurn(turnId: string, at: number): Promise<void>;
  endTurn(turnId: string): Promise<void>;
  requestStop(turnId: string): Promise<void>;
  /** Puts a message in the queue, unless one of its id is there. */
  addMessage(turnId: string, message: Message): Promise<void>;
  findMessage(messageId: string): Promise<{ turnId: string; isDelivered: boolean } | undefined>;
  /** Gives to a model call the messages that nobody was given, in the order they came. */
  takeUndelivered(deliveredTo: string): Promise<Message[]>;
  setArchived(): Promise<void>;
  hasUndelivered(): Promise<boolean>;
  append(turnId: string | null, events: KeyedEvent[]): Promise<void>;
}
