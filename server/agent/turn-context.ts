import type { Logger } from 'pino';
import type { Journal } from '../engine/durable.ts';
import type { ChangedFile } from '../protocol/review.ts';
import type { SourceSpec } from '../protocol/source.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { SandboxSessions } from '../sandbox/sessions.ts';
import type { EventLog, KeyedEvent } from '../tasks/event-log.ts';
import type { StopSignals } from '../tasks/stop-signals.ts';
import type { TaskStates } from '../tasks/task-states.ts';
import type { Prepared, TaskStore } from '../tasks/task-store.ts';
import type { CallModel, ModelSettings } from './model.ts';

/** The Git work of a turn. Every function may be repeated. */
export interface TurnRepo {
  prepare(taskId: string, source: SourceSpec, signal: AbortSignal): Promise<Prepared>;
  /** Puts the base tree into the sandbox's workspace. */
  checkout(taskId: string, sandbox: Sandbox, signal: AbortSignal): Promise<void>;
  /** Fetches the workspace's tree to the relay; `previousTree` is what is known to be there. */
  capture(taskId: string, sandbox: Sandbox, previousTree: string): Promise<{ headTree: string }>;
  changedFiles(taskId: string, baseTree: string, headTree: string): Promise<ChangedFile[]>;
}

/** What a turn needs from the rest of the relay. */
export interface TurnDeps {
  log: EventLog;
  store: TaskStore;
  states: TaskStates;
  stops: StopSignals;
  sandboxes: SandboxSessions;
  repo: TurnRepo;
  /** Read at every call, so that mending the settings mends the turn. Throws `model_not_configured`. */
  modelSettings: (model: string | undefined) => ModelSettings;
  callModel: CallModel;
  now: () => number;
  /** Between 0 and 1: jitter. */
  random: () => number;
  logger: Logger;
}

/** One turn as its steps see it. */
export interface TurnContext extends TurnDeps {
  taskId: string;
  turnId: string;
  journal: Journal;
}

/** Thrown by a step whose turn may say no more: it was ended by somebody else. */
export class TurnOver extends Error {
  override readonly name = 'TurnOver';
}

/** By name, because an error that a journal gives back is not the object that was thrown. */
export const isTurnOver = (error: unknown): boolean => error instanceof Error && error.name === 'TurnOver';

/** Appends to the task's log in this turn's name. */
export async function tell(turn: TurnContext, ...events: KeyedEvent[]): Promise<void> {
  if (events.length === 0) return;
  if ((await turn.log.append(turn.taskId, turn.turnId, events)) === undefined) throw new TurnOver();
}
