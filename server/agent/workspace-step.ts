import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { EventOf, TaskEvent } from '../protocol/events.ts';
import type { FileDecisions } from '../protocol/review.ts';
import type { TaskState } from '../protocol/task.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { readAll } from '../tasks/event-log.ts';
import { foundInWorkspace, nextProposal, workspaceTreeOf } from '../tasks/next-proposal.ts';
import { rebased } from '../tasks/rebased.ts';
import { heldAtStarts } from '../tasks/turn-starts.ts';
import { noteDivergence } from './agents/divergence.ts';
import { assertHeld, isStopped, type TurnContext, tell } from './turn-context.ts';
import { type UserEdits, userEditsText } from './user-edits.ts';

/** How long (ms) checks of the turn before, which write to the workspace, may take to end, and how often to look. */
const LONGEST_WAIT_MS = 60_000;
const LOOK_MS = 100;
/** Bytes of a diff of the person's own edits that the agent is told. */
const EDITS_BYTES = 24_000;

/** What the workspace gets as a turn begins. Decided once, whatever is decided about the proposal since. */
interface Plan {
  from: string;
  to: string;
  /** See `settingOf`. */
  before: string;
  text?: string;
}

/**
 * Makes the workspace hold what the person left of the proposal, as a turn begins: without what they rejected, with what they edited, on
 * the base as it is by now; and tells the agent. No Git runs where there is nothing of that. Each part may be repeated.
 */
export async function workspaceStep(turn: TurnContext, sandbox: Sandbox, baseTree: string): Promise<void> {
  const { taskId, turnId, repo, store } = turn;
  const plan = await store.memo(taskId, `${turnId}:workspace`, async (): Promise<Plan | null> => {
    const state = await turn.states.current(taskId);
    const plan = mayDiffer(state, baseTree) ? await planOf(turn, sandbox, baseTree) : null;
    // Whoever puts the workspace back after the checks of the turn before may be late, and is not to undo this one's work.
    const mayBeLate = state.turns.at(-2)?.checks !== undefined || !(await turn.isWorkspaceFree(turn));
    if (!plan && mayBeLate) await repo.noteWork(sandbox, turnId);
    return plan;
  });
  // Once it is told, the agent works there.
  if (!plan || (await turn.log.find(taskId, settingKey(turn)))) return;
  const { from, to, before, text } = plan;
  await assertHeld(turn);
  await repo.setWorkspace(sandbox, { taskId, name: turnId, before, from, to });
  await noteDivergence(turn, { from, to, by: 'person' });
  const { proposal } = await turn.states.current(taskId);
  const changed = await nextProposal(repo, taskId, proposal, { baseTree, headTree: to });
  await tell(
    turn,
    { key: settingKey(turn), event: { type: 'workspace.set', turnId, headTree: to } },
    ...(changed ? [{ key: `${turnId}:proposal:kept`, event: { ...changed, by: 'person' as const } }] : []),
    ...(text === undefined
      ? []
      : [{ key: `${turnId}:told`, event: { type: 'review.told' as const, turnId, text } }]),
  );
}

/** Of the event that says that the workspace was set as the turn began. */
export const settingKey = ({ turnId }: { turnId: string }): string => `${turnId}:workspace`;

/** Whether there can be something to set: what was rejected of a file that is changed no more is out already. */
function mayDiffer(state: TaskState, baseTree: string): boolean {
  if (state.isWorkspacePast) return true;
  const known = workspaceTreeOf(state, baseTree);
  if ((state.proposal?.headTree ?? baseTree) !== known) return true;
  const changed = new Set(state.proposal?.files.map(({ path }) => path));
  return state.review?.files.some(({ path, rejected }) => rejected.length > 0 && changed.has(path)) ?? false;
}

async function planOf(turn: TurnContext, sandbox: Sandbox, baseTree: string): Promise<Plan | null> {
  const { taskId, turnId, repo } = turn;
  await untilFree(turn);
  const before = await repo.settingOf(sandbox);
  const state = await turn.states.current(taskId);
  await assertHeld(turn);
  const from = await foundThere(turn, sandbox, workspaceTreeOf(state, baseTree), state);
  if (from === undefined) return null;
  // What an earlier turn left there when it was stopped.
  const keys = `${turnId}:proposal:left`;
  await tell(turn, ...(await foundInWorkspace(repo, state, { baseTree, tree: from, keys })));

  const current = await turn.states.current(taskId);
  const headTree = current.proposal?.headTree ?? baseTree;
  const rejected = rejectedUnits(current.review?.files ?? []);
  const kept = await repo.kept(taskId, { baseTree, headTree, rejected });
  const isHeld = kept.tree === workspaceTreeOf(current, baseTree) && !current.isWorkspacePast;
  if (isHeld && kept.tree === headTree) return null;
  const events = await readAll(turn.log, taskId);
  const edits: UserEdits = {
    rejected: kept.rejected,
    edits: await editsSince(turn, events, { baseTree, headTree }),
    unmerged: unmergedSince(events),
    update: updateSince(events),
  };
  const text = userEditsText(edits, (shown) => turn.hide(taskId, shown));
  return { from, to: kept.tree, before, ...(text === undefined ? {} : { text }) };
}

/**
 * What the workspace holds. Undefined where Git refuses a file there, which only the agent can mend: it goes on there, and what the person
 * changed comes with the next turn. Where all of it is past, it is taken for what it was known to be.
 */
async function foundThere(
  { taskId, repo }: TurnContext,
  sandbox: Sandbox,
  known: string,
  { isWorkspacePast }: TaskState,
): Promise<string | undefined> {
  try {
    return (await repo.capture(taskId, sandbox, known)).headTree;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'files_refused') throw error;
    return isWorkspacePast ? known : undefined;
  }
}

/** Waits for what follows earlier turns to leave the workspace: their checks end by themselves once a turn has begun. */
async function untilFree(turn: TurnContext): Promise<void> {
  for (let waited = 0; waited < LONGEST_WAIT_MS; waited += LOOK_MS) {
    if ((await turn.isWorkspaceFree(turn)) || (await isStopped(turn))) return;
    await delay(LOOK_MS);
  }
}

function rejectedUnits(files: readonly FileDecisions[]): Map<string, ReadonlySet<string>> {
  const some = files.filter(({ rejected }) => rejected.length > 0);
  return new Map(some.map(({ path, rejected }) => [path, new Set(rejected)]));
}

/** What differs between what the agent left, brought up to the base as it is now, and the proposal. */
async function editsSince(
  { taskId, repo }: TurnContext,
  events: readonly TaskEvent[],
  { baseTree, headTree }: { baseTree: string; headTree: string },
): Promise<{ text: string; isWhole: boolean }> {
  const { leftTree, leftBase } = heldAtStarts(events, baseTree).now;
  const { tree } = await rebased(repo, taskId, { tree: leftTree, from: leftBase, to: baseTree });
  return repo.textDiff(taskId, tree, headTree, EDITS_BYTES);
}

/** Where the agent's work did not go together with the person's edits, since a turn was last told of any. */
function unmergedSince(events: readonly TaskEvent[]): string[] {
  const isOver = (event: TaskEvent): boolean =>
    event.type === 'task.rolled_back' || (event.type === 'workspace.set' && event.turnId !== undefined);
  const since = events.slice(events.findLastIndex(isOver) + 1);
  const paths = since.flatMap((event) => (event.type === 'workspace.set' ? (event.conflicts ?? []) : []));
  return [...new Set(paths)];
}

/** The last time that the base moved, unless the agent has worked on it since. */
function updateSince(events: readonly TaskEvent[]): { commit: string; conflicts: string[] } | undefined {
  const isAgents = ({ type }: TaskEvent): boolean => type === 'tool.started' || type === 'workspace.set';
  const since = events.slice(events.findLastIndex(isAgents) + 1);
  const updates = since.filter((event): event is EventOf<'base.updated'> => event.type === 'base.updated');
  const last = updates.at(-1);
  if (last === undefined) return undefined;
  return { commit: last.baseCommit, conflicts: [...new Set(updates.flatMap(({ conflicts }) => conflicts))] };
}
