import type { Claim } from '../engine/claims.ts';
import type { Answer, Mode, Selection } from '../protocol/commands.ts';
import type { EventOf } from '../protocol/events.ts';
import type { SourceSpec } from '../protocol/source.ts';
import type { SandboxRef } from '../sandbox/sandbox.ts';
import type { KeyedEvent, Speaker } from './event-log.ts';

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
  /** The user who delegated it. */
  owner: string;
  /** The machine that has its repository and sandbox; null until a relay begins to work on it. */
  host: string | null;
}

/** Where a turn stands: `waiting` for a relay, `running` in one, `parked` for an answer, `ended`. */
export interface TurnStanding {
  state: 'waiting' | 'running' | 'parked' | 'ended';
  epoch: number;
  stopRequested: boolean;
}

/** A question of the agent, and whether it was answered. */
export interface AskedQuestion {
  question: Omit<EventOf<'question.asked'>, 'seq' | 'at' | 'type'>;
  /** Milliseconds since 1970. */
  at: number;
  answer: Answer | null;
  /** The agent whose call is held by a cap until this is answered; undefined where that is the lead's, or it is about something else. */
  holds: string | undefined;
}

export interface Message {
  messageId: string;
  text: string;
  selection: Selection[];
  mode?: Mode | undefined;
}

export interface NewTask {
  taskId: string;
  clientId: string;
  spec: TaskSpec;
  overlay: SourceSpec['overlay'];
  owner: string;
  /** Set where only this machine has the source. */
  host: string | null;
  /** Milliseconds since 1970. */
  at: number;
}

/** A message as it stands: `queued` until the agent reads it, or the person takes it back. */
export interface KnownMessage {
  turnId: string;
  text: string;
  state: 'queued' | 'delivered' | 'withdrawn';
}

/** The rows behind a task that are not events: what the relay must know to act. */
export interface TaskStore {
  get(taskId: string): Promise<TaskRow | undefined>;
  page(
    owner: string,
    before: string | undefined,
    limit: number,
  ): Promise<{ taskIds: string[]; next?: string }>;
  /** The task and first turn that this `clientId` made before, if it did. */
  findByClient(owner: string, clientId: string): Promise<{ taskId: string; turnId: string } | undefined>;
  setPrepared(taskId: string, prepared: Prepared): Promise<void>;
  overlay(taskId: string): Promise<SourceSpec['overlay']>;
  /** Archived tasks whose sandbox on this machine was not yet released, and word that it was. */
  unreleased(host: string): Promise<TaskRow[]>;
  setReleased(taskId: string): Promise<void>;
  /** Makes a task and runs `work` in the same transaction; false, and nothing done, where `clientId` made one before. */
  create(task: NewTask, work: (tx: TaskTransaction) => Promise<void>): Promise<boolean>;
  /** Runs `work` with the task's row locked, in one transaction. */
  locked<T>(taskId: string, work: (tx: TaskTransaction) => Promise<T>): Promise<T>;
  standing(turnId: string): Promise<TurnStanding | undefined>;
  /** Subagents of the turn that the person asked to stop. */
  stoppedAgents(turnId: string): Promise<string[]>;
  /** Whether there are messages for this model call: given to it before, or to nobody. */
  hasMessagesFor(taskId: string, deliveredTo: string): Promise<boolean>;
  /** The value under `key`, computed at the first time and the same ever after. */
  memo<T>(taskId: string, key: string, compute: () => Promise<T>): Promise<T>;
  /**
   * The same in the name of a turn that has remembered nothing by that key yet, in one question instead of three.
   * @returns undefined where the turn may say no more
   */
  memoOf<T>(claim: Claim, key: string, compute: () => Promise<T>): Promise<{ value: T } | undefined>;
}

/** What may be done while a task's row is locked. */
export interface TaskTransaction {
  row: TaskRow;
  /** Puts a new turn into the queue. */
  startTurn(turnId: string, at: number): Promise<void>;
  /** For good; what follows a turn's end is owed from then on. */
  endTurn(turnId: string): Promise<void>;
  standing(turnId: string): Promise<TurnStanding | undefined>;
  /** Takes a running turn out of its relay until it is continued. @param sleepAt when its sandbox may hibernate, ms since 1970 */
  parkTurn(turnId: string, sleepAt: number): Promise<void>;
  /** Puts a parked turn into the queue again. */
  continueTurn(turnId: string): Promise<void>;
  requestStop(turnId: string): Promise<void>;
  /** The same for one subagent of a turn. */
  requestAgentStop(turnId: string, agentId: string, at: number): Promise<void>;
  /** Puts a message in the queue, unless one of its id is there. */
  addMessage(turnId: string, message: Message): Promise<void>;
  findMessage(messageId: string): Promise<KnownMessage | undefined>;
  editMessage(messageId: string, text: string): Promise<void>;
  removeMessage(messageId: string): Promise<void>;
  /** Gives to a model call the messages that nobody was given, in the order they came. */
  takeUndelivered(deliveredTo: string): Promise<Message[]>;
  /** The same, and those that this very call was given before. */
  takeMessages(deliveredTo: string): Promise<Message[]>;
  hasUndelivered(): Promise<boolean>;
  /** What the turn's agent asked, in order. */
  questions(turnId: string): Promise<AskedQuestion[]>;
  setArchived(): Promise<void>;
  /** Destroys the token that the person left for the task. @returns which it was, if there was one */
  disarm(): Promise<string | undefined>;
  /** False, and nothing appended, where the speaker may say no more. */
  append(speaker: Speaker | null, events: KeyedEvent[]): Promise<boolean>;
}
