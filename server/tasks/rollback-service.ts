import type { TurnRepo } from '../agent/turn-context.ts';
import { AppError } from '../errors.ts';
import type { EventOf, TaskEvent } from '../protocol/events.ts';
import type { RollBack, RolledBack } from '../protocol/rollback.ts';
import type { Revision, RollBackTree } from '../repo/roll-back.ts';
import { type DecidingRepo, decisionEvent } from './accepted-tree.ts';
import { type EventLog, type KeyedEvent, readAll } from './event-log.ts';
import { nextProposal } from './next-proposal.ts';
import { rebased } from './rebased.ts';
import type { HeldTask, HoldTask } from './task-hold.ts';
import type { TaskService } from './task-service.ts';
import { type Held, heldAtStarts } from './turn-starts.ts';

/** Going back to where a turn began. The log keeps what was; the agent's workspace follows at its next turn. */
export interface RollbackService {
  rollBack(taskId: string, command: RollBack): Promise<RolledBack>;
}

export interface RollbackRepo extends DecidingRepo, Pick<TurnRepo, 'merge' | 'changedFiles'> {
  rollBack(request: RollBackTree): Promise<{ tree: string; kept: string[] }>;
}

/** Paths that an error names. */
const NAMED = 20;

export function createRollbackService(deps: {
  tasks: Pick<TaskService, 'row'>;
  log: EventLog;
  hold: HoldTask;
  repo: RollbackRepo;
}): RollbackService {
  const { tasks, log, hold, repo } = deps;

  /** @returns undefined where the log went on since it was read */
  async function carryOut(
    task: HeldTask,
    events: readonly TaskEvent[],
    baseNow: string,
    { turnId, files = 'ask', clientId }: RollBack,
  ): Promise<boolean> {
    const { state } = task;
    if (state.seq !== events.at(-1)?.seq) return false;
    assertIdle(task);
    const { taskId, proposal, turns } = state;
    const { starts } = heldAtStarts(events, baseNow);
    const start = starts.get(turnId);
    const index = turns.findIndex((turn) => turn.turnId === turnId);
    if (!start || index === -1) throw noSuchTurn(turnId);
    const from = start.baseTree;
    const target = (await rebased(repo, taskId, { tree: start.headTree, from, to: baseNow })).tree;
    const revisions = revisionsSince(events, turnId, start.headTree);
    const all = files === 'all';
    const { tree: headTree, kept } = await repo.rollBack({ taskId, revisions, target, all });
    if (files === 'ask' && kept.length > 0) throw needsChoice(kept);

    const key = keyOf(clientId);
    const changed = await nextProposal(repo, taskId, proposal, { baseTree: baseNow, headTree });
    const before = turns[index - 1]?.turnId;
    const after = changed ?? proposal;
    await task.append([
      { key, event: { type: 'task.rolled_back', turnId, headTree, kept } },
      ...(changed ? [{ key: `${key}:proposal`, event: { ...changed, by: 'rollback' as const } }] : []),
      ...(before === undefined ? [] : remembered(key, before, start)),
      ...(state.review && after ? [await decisionEvent(repo, state, after, [])] : []),
    ]);
    return true;
  }

  return {
    async rollBack(taskId, command) {
      const { clientId, turnId } = command;
      for (;;) {
        const done = await log.find(taskId, keyOf(clientId));
        const { prepared } = await tasks.row(taskId);
        const events = await readAll(log, taskId);
        if (done?.type === 'task.rolled_back') {
          if (done.turnId !== turnId) throw usedClientId();
          return answerOf(events, done);
        }
        if (!prepared) throw noSuchTurn(turnId);
        await hold(taskId, (task) => carryOut(task, events, prepared.baseTree, command));
      }
    },
  };
}

/** What the agent had planned, and said of its work, by the end of the turn before. */
function remembered(key: string, turnId: string, { todos, description }: Held): KeyedEvent[] {
  const events: KeyedEvent[] = [];
  if (todos.length > 0)
    events.push({ key: `${key}:todos`, event: { type: 'todos.changed', turnId, items: todos } });
  if (description)
    events.push({ key: `${key}:description`, event: { type: 'changes.described', turnId, ...description } });
  return events;
}

const keyOf = (clientId: string): string => `rollback:${clientId}`;

/** The same answer whenever it is asked for. What was said by comments is said by them again: they are drafts. */
function answerOf(events: readonly TaskEvent[], done: EventOf<'task.rolled_back'>): RolledBack {
  const { turnId, headTree, kept, seq } = done;
  const said = events.find((event) => event.type === 'message.delivered' && event.turnId === turnId);
  const isOf = (event: TaskEvent): event is EventOf<'proposal.changed'> =>
    event.type === 'proposal.changed' &&
    (event.seq < seq || (event.seq === seq + 1 && event.by === 'rollback'));
  const revision = events.findLast(isOf)?.revision ?? 0;
  const byComments = events.some(
    (event) =>
      event.type === 'comments.submitted' &&
      said?.type === 'message.delivered' &&
      event.messageId === said.messageId,
  );
  const text = said?.type === 'message.delivered' && !byComments ? said.text : '';
  return { revision, headTree, kept, seq, text };
}

/** What the proposal became after the turn began, told from what it began with. */
function revisionsSince(
  events: readonly TaskEvent[],
  turnId: string,
  startTree: string,
): RollBackTree['revisions'] {
  const started = events.findIndex((event) => event.type === 'turn.started' && event.turnId === turnId);
  const changes = events.slice(started).filter((event) => event.type === 'proposal.changed');
  const revisions = changes.map(({ headTree, by }): Revision => {
    if (by === undefined) return { tree: headTree, by: 'agent' };
    return { tree: headTree, by: by === 'person' ? 'person' : 'neither' };
  });
  return [{ tree: startTree, by: 'neither' }, ...revisions];
}

function assertIdle({ archived, activeTurn }: HeldTask): void {
  if (archived) {
    throw new AppError('conflict', 'The task is archived.', { nextAction: 'Start a new task.' });
  }
  if (activeTurn !== null) {
    throw new AppError('conflict', 'The agent is working.', {
      nextAction: 'Wait until it is done, or stop it; then go back.',
    });
  }
}

function noSuchTurn(turnId: string): AppError {
  return new AppError(
    'not_found',
    `The task has no turn ${JSON.stringify(turnId)} that could be gone back to.`,
    {
      nextAction: 'Load the task again; it may have been rolled back already.',
    },
  );
}

function needsChoice(kept: string[]): AppError {
  const named = kept.slice(0, NAMED).map((path) => JSON.stringify(path));
  const rest = kept.length > NAMED ? ` and ${kept.length - NAMED} more` : '';
  return new AppError('rollback_needs_choice', `You have changed ${named.join(', ')}${rest} since.`, {
    nextAction: 'Choose whether your changes stay, or are undone as well.',
  });
}

function usedClientId(): AppError {
  return new AppError('conflict', 'This clientId was used to go back to another turn.', {
    nextAction: 'Use a new clientId.',
  });
}
