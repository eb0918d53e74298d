import type { Logger } from 'pino';
import type { Claim } from '../engine/claims.ts';
import { HandedOver, type Journal } from '../engine/journal.ts';
import type { Page } from '../fetch/fetch-page.ts';
import type { HandbookOf } from '../handbook/read-handbook.ts';
import type { ChooseModels } from '../models/choice.ts';
import type { ModelHealth } from '../models/health.ts';
import type { Spend } from '../models/spend.ts';
import type { ChangedFile } from '../protocol/review.ts';
import type { SourceSpec } from '../protocol/source.ts';
import type { Kept } from '../repo/kept-tree.ts';
import type { MergedTrees, TreesToMerge } from '../repo/merge-trees.ts';
import type { ReadChanges } from '../repo/reading.ts';
import type { Rewritten } from '../repo/rewritten-tree.ts';
import type { Setting } from '../repo/set-workspace.ts';
import type { SandboxSessions } from '../sandbox/lifecycle/machines.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { EventLog, KeyedEvent } from '../tasks/event-log.ts';
import type { TaskStates } from '../tasks/task-states.ts';
import type { Prepared, TaskStore } from '../tasks/task-store.ts';
import { TurnOver, type TurnSignals } from '../tasks/turn-signals.ts';
import type { Agent } from './agent.ts';
import type { Workspaces } from './agents/workspaces.ts';
import type { Beside, BesideTurns } from './beside.ts';
import type { CallModel } from './model.ts';

/** The Git work of a turn. Every function may be repeated. */
export interface TurnRepo {
  prepare(taskId: string, source: SourceSpec, signal: AbortSignal): Promise<Prepared>;
  /**
   * Fills the workspace of a machine that never had this task: with the last proposal, where there is one, else with the base.
   * Ignored files are part of neither.
   * @param prebuiltId what a machine was made from that is no longer empty, if it was
   */
  checkout(
    taskId: string,
    sandbox: Sandbox,
    proposedTree: string | undefined,
    signal: AbortSignal,
    prebuiltId?: string,
  ): Promise<void>;
  /** Whether the machine's files began at this task's base. */
  holds(taskId: string, sandbox: Sandbox): Promise<boolean>;
  /** Fetches the workspace's tree to the relay; see `captureProposal`. */
  capture(
    taskId: string,
    sandbox: Sandbox,
    previousTree: string,
    seenTree?: string,
  ): Promise<{ headTree: string }>;
  /** See `rewrittenTree`. */
  rewritten(taskId: string, from: string, files: readonly Rewritten[]): Promise<string | undefined>;
  changedFiles(taskId: string, baseTree: string, headTree: string): Promise<ChangedFile[]>;
  /** What became of the paths that differ between two trees: their blobs in the second, null where they are gone. */
  changedBlobs(taskId: string, fromTree: string, toTree: string): Promise<Map<string, string | null>>;
  /** As a person reads them: see `createReading`. */
  changes: ReadChanges;
  /** See `mergeTrees`. */
  merge(trees: TreesToMerge): Promise<MergedTrees>;
  /** Makes the repository start from what is recorded of the task, where it does not: its base may have moved on. */
  settleBase(taskId: string, prepared: Prepared): Promise<void>;
  /** See `keptTree`. */
  kept(
    taskId: string,
    proposal: { baseTree: string; headTree: string; rejected: ReadonlyMap<string, ReadonlySet<string>> },
  ): Promise<Kept>;
  settingOf(sandbox: Sandbox): Promise<string>;
  noteWork(sandbox: Sandbox, name: string): Promise<void>;
  setWorkspace(sandbox: Sandbox, setting: Omit<Setting, 'branch'>): Promise<void>;
  /** See `restoreWorkspace`. */
  restoreWorkspace(sandbox: Sandbox, tree: string, guard: { note: string }): Promise<void>;
  textDiff(
    taskId: string,
    fromTree: string,
    toTree: string,
    most: number,
  ): Promise<{ text: string; isWhole: boolean }>;
}

/** What a turn needs from the rest of the relay. */
export interface TurnDeps {
  log: EventLog;
  store: TaskStore;
  states: TaskStates;
  signals: TurnSignals;
  sandboxes: SandboxSessions;
  /** What the agent should know of the task's machine, a line each. */
  machineNotes: (taskId: string) => string[];
  /** What became of the task's machine since this was asked, for the agent that works in it. It is in the log, too. */
  takeMachineNews: (taskId: string) => string[];
  /** What may be shown of a text that came from the task's machine. */
  hide: (taskId: string, text: string) => string;
  repo: TurnRepo;
  /** Where executors work. */
  workspaces: Workspaces;
  /** Whether nothing that follows earlier turns touches the workspace any more. */
  isWorkspaceFree: (turn: { taskId: string; turnId: string }) => Promise<boolean>;
  handbookOf: HandbookOf;
  besideTurns: BesideTurns;
  /** See `fetchPage`; as far as the task's network goes. */
  fetchPage: (taskId: string, url: string, signal: AbortSignal) => Promise<Page>;
  models: ChooseModels;
  health: ModelHealth;
  spend: Spend;
  callModel: CallModel;
  now: () => number;
  /** Between 0 and 1: jitter. */
  random: () => number;
  /** Called once a turn has ended: what follows is owed. */
  onEnded: (turn: { taskId: string; turnId: string }) => void;
  /** How long (ms) a sandbox may idle while its turn waits for the person. */
  idleMs: number;
  logger: Logger;
}

/** Whether the person may have said something that nobody has read yet: true until it was looked for, and again once telling said so. */
export interface Mail {
  mayBeThere: boolean;
}

/** One turn as its steps see it. */
export interface TurnContext extends TurnDeps {
  mail: Mail;
  /** Nothing until the turn is prepared. */
  beside: Beside;
  taskId: string;
  turnId: string;
  claim: Claim;
  journal: Journal;
}

/** Whether the person stopped the turn, or this agent of it. Throws `TurnOver` where it is no longer this relay's at all. */
export async function isStopped(turn: TurnContext, agent?: Pick<Agent, 'signal'>): Promise<boolean> {
  const signal = await (agent ? agent.signal() : turn.signals.of(turn.claim));
  if (signal.reason instanceof TurnOver) throw signal.reason;
  return signal.aborted;
}

/** Asks the database, for what cannot be undone: throws `TurnOver` where the turn is no longer this relay's. */
export async function assertHeld({ store, claim }: Pick<TurnContext, 'store' | 'claim'>): Promise<void> {
  const standing = await store.standing(claim.turnId);
  if (standing?.state !== 'running' || standing.epoch !== claim.epoch) throw new TurnOver();
}

/** Errors that end a turn's run in this relay without a word in its log: it is over, or handed to another relay. */
export const isOutOfHands = (error: unknown): boolean =>
  error instanceof TurnOver || error instanceof HandedOver;

/** A turn as far as it has a say. */
export type Speaking = Pick<TurnContext, 'taskId' | 'claim' | 'log' | 'store' | 'mail'>;

/** Appends to the task's log in this turn's name. */
export async function tell(
  turn: Pick<Speaking, 'taskId' | 'claim' | 'log' | 'mail'>,
  ...events: KeyedEvent[]
): Promise<void> {
  if (events.length === 0) return;
  const appended = await turn.log.append(turn.taskId, turn.claim, events);
  if (appended === undefined) throw new TurnOver();
  turn.mail.mayBeThere ||= appended.hasMessages;
}
