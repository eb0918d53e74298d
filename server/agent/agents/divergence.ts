import type { Merged } from '../../protocol/agents.ts';
import type { TaskState } from '../../protocol/task.ts';
import { cardIn } from '../../tasks/agent-service.ts';
import type { KeyedEvent } from '../../tasks/event-log.ts';
import { type TurnContext, type TurnRepo, tell } from '../turn-context.ts';
import type { Parent } from './crew.ts';
import { blobAt } from './evidence.ts';
import { factsIn, goneStale, identityOf } from './facts.ts';

/** A change of a workspace: of the task's, or of the copy that `workspace`, an executor, works in. */
export interface Divergence {
  workspace?: string;
  from: string;
  to: string;
  /** Who made it: the id of an agent (the turn's for its lead), or `person`. */
  by: string;
}

/**
 * What is to be told of facts that explorers handed up and that hold no more, once each. Costs no Git where there are no facts, or nothing
 * has changed.
 */
export async function divergence(
  repo: Pick<TurnRepo, 'changedBlobs'>,
  state: TaskState,
  { workspace, from, to, by }: Divergence,
): Promise<KeyedEvent[]> {
  if (from === to) return [];
  const facts = factsIn(state, workspace).filter(({ fact }) => fact.stale === undefined);
  if (facts.length === 0) return [];
  const changed = await repo.changedBlobs(state.taskId, from, to);
  return goneStale(facts, changed).map((known): KeyedEvent => {
    const { turnId, agentId, fact } = known;
    const { path, blob } = fact;
    const now = changed.get(path) ?? null;
    return {
      key: `${identityOf(known)}:stale`,
      event: { type: 'fact.staled', turnId, agentId, path, blob, now, by },
    };
  });
}

/** Tells it. May be repeated. */
export async function noteDivergence(turn: TurnContext, change: Divergence): Promise<void> {
  if (change.from === change.to) return;
  await tell(turn, ...(await divergence(turn.repo, await turn.states.current(turn.taskId), change)));
}

/**
 * The same for what an explorer has just handed up: what was merged while it looked was compared with what was known then. May be repeated.
 */
export async function divergedMeanwhile(
  turn: TurnContext,
  { agent, kind }: Parent,
  agentId: string,
): Promise<void> {
  const state = await turn.states.current(turn.taskId);
  const facts = factsIn(state, kind === 'executor' ? agent.id : undefined).filter(
    (known) => known.agentId === agentId,
  );
  const merges = mergesIn(state);
  if (facts.length === 0 || merges.length === 0) return;
  const sandbox = await agent.open();
  const events: KeyedEvent[] = [];
  for (const known of facts) {
    const { path, blob } = known.fact;
    const merge =
      merges.findLast(({ merged }) => names(merged, path)) ??
      merges.findLast(({ merged }) => names(merged, path) === undefined);
    if (merge === undefined) continue;
    const found = await blobAt(sandbox, path);
    const now = found === undefined ? await largeBlob(turn, state, path) : found;
    if (now === undefined || now === blob) continue;
    const { turnId } = known;
    events.push({
      key: `${identityOf(known)}:stale`,
      event: { type: 'fact.staled', turnId, agentId, path, blob, now, by: merge.agentId },
    });
  }
  await tell(turn, ...events);
}

/** Of a file that is not loaded: as it was merged. */
async function largeBlob(turn: TurnContext, state: TaskState, path: string) {
  const base = (await turn.store.get(turn.taskId))?.prepared?.baseTree;
  if (base === undefined || state.workspaceTree === undefined) return undefined;
  return (await turn.repo.changedBlobs(turn.taskId, base, state.workspaceTree)).get(path);
}

/** Whether a merge changed a path; undefined where not all that it changed is named. */
function names(merged: Merged | undefined, path: string): boolean | undefined {
  if (merged?.changed.includes(path)) return true;
  return merged?.changedCount === undefined ? false : undefined;
}

/** Whether a path was, or may have been, changed in the task's own workspace since that agent began, by executors that came home meanwhile. */
export function changedSince(state: TaskState, agentId: string): (path: string) => boolean {
  const began = cardIn(state.turns.at(-1)?.items ?? [], agentId)?.startedAt ?? 0;
  const merges = mergesIn(state).filter(({ endedAt = Infinity }) => endedAt >= began);
  return (path) => merges.some(({ merged }) => names(merged, path) !== false);
}

const mergesIn = (state: TaskState) =>
  (state.turns.at(-1)?.items ?? []).flatMap((item) =>
    item.kind === 'tool' && item.agent?.merged?.isDiscarded === false ? [item.agent] : [],
  );
