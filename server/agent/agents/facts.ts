import { createHash } from 'node:crypto';
import type { AgentCard, Fact } from '../../protocol/agents.ts';
import type { Item, TaskState } from '../../protocol/task.ts';

/** A piece of evidence, and whose it is. */
export interface KnownFact {
  turnId: string;
  /** The explorer that handed it up. */
  agentId: string;
  parentId: string;
  description: string;
  fact: Fact;
}

/** What became of a path in a workspace: its blob now, null where it is gone. */
export type ChangedBlobs = ReadonlyMap<string, string | null>;

/**
 * Facts about the workspace of `whose`: an executor's id, or undefined for the task's own. What an executor's explorers found in its copy is
 * about that copy.
 */
export function factsIn(state: TaskState, whose: string | undefined): KnownFact[] {
  return state.turns.flatMap(({ turnId, items }) => factsOf(items, turnId, undefined, whose));
}

function factsOf(
  items: readonly Item[],
  turnId: string,
  workspace: string | undefined,
  whose: string | undefined,
): KnownFact[] {
  return items.flatMap((item): KnownFact[] => {
    if (item.kind !== 'tool' || item.agent === undefined) return [];
    const { agent } = item;
    const inside = agent.kind === 'executor' ? agent.agentId : workspace;
    const own = workspace === whose ? agent.facts.map((fact) => knownFact(turnId, agent, fact)) : [];
    return item.items === undefined ? own : [...own, ...factsOf(item.items, turnId, inside, whose)];
  });
}

const knownFact = (turnId: string, { agentId, parentId, description }: AgentCard, fact: Fact): KnownFact => ({
  turnId,
  agentId,
  parentId,
  description,
  fact,
});

/** Facts whose file is no longer what was read, by what has changed: once for each agent and content. */
export function goneStale(facts: readonly KnownFact[], changed: ChangedBlobs): KnownFact[] {
  const seen = new Set<string>();
  return facts.filter((known) => {
    const { path, blob, stale } = known.fact;
    const now = changed.get(path);
    if (stale !== undefined || now === undefined || now === blob || seen.has(identityOf(known))) return false;
    seen.add(identityOf(known));
    return true;
  });
}

/** Short whatever the path: part of an event's key. */
export function identityOf({ agentId, fact: { path, blob } }: KnownFact): string {
  const digest = createHash('sha256').update(`${blob} ${path}`).digest('hex').slice(0, 24);
  return `${agentId}:fact:${digest}`;
}

/** Those that an agent's own subagents handed up to it and that hold no more, a line each: who reads them knows which conclusions to doubt. */
export function staleLines(state: TaskState, parentId: string | undefined): string[] {
  return state.turns.flatMap(({ turnId, items }) => {
    const parent = parentId ?? turnId;
    return staleIn(items, turnId).flatMap((known) =>
      known.parentId === parent ? [staleLine(known, parent)] : [],
    );
  });
}

const staleIn = (items: readonly Item[], turnId: string): KnownFact[] =>
  items.flatMap((item): KnownFact[] => {
    if (item.kind !== 'tool' || item.agent === undefined) return [];
    const { agent } = item;
    const own = agent.facts.filter(({ stale }) => stale !== undefined);
    return [...own.map((fact) => knownFact(turnId, agent, fact)), ...staleIn(item.items ?? [], turnId)];
  });

/** @param reader the id of the agent who reads it; a turn's for its lead */
export function staleLine({ description, fact }: KnownFact, reader: string): string {
  const { path, startLine, endLine, stale } = fact;
  const place = startLine === endLine ? `${path}:${startLine}` : `${path}:${startLine}-${endLine}`;
  const fate = stale?.blob === null ? 'deleted' : 'changed';
  return `${place} (found by “${description}”) was ${fate} since by ${byWhom(stale?.by, reader)}`;
}

function byWhom(by: string | undefined, reader: string): string {
  if (by === undefined || by === 'person') return 'the person';
  // The lead of a later turn is the same to those who read: its conversation goes on.
  if (by === reader || (isLead(by) && isLead(reader))) return 'you';
  return isLead(by) ? 'your colleague' : `the subagent ${by.slice(by.indexOf(':') + 1)}`;
}

/** An agent's id begins with that of the one it works for; a turn's has nothing before it. */
const isLead = (id: string): boolean => !id.includes(':');
