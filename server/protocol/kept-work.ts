import * as z from 'zod';
import type { AgentCard } from './agents.ts';
import { Oid } from './source.ts';
import type { TaskState } from './task.ts';

/** What an executor made that is not in the workspace, or only in part: all that differs between two trees of the task's repository. */
export interface KeptWork extends Pick<AgentCard, 'agentId' | 'description' | 'outcome' | 'error'> {
  treeBefore: string;
  treeAfter: string;
  /** See `AgentResult`. */
  changed: string[];
  changedCount?: number | undefined;
}

/** All of it in the turns that stand, the oldest first. Executors work for leads only. */
export function keptWork({ turns }: Pick<TaskState, 'turns'>): KeptWork[] {
  return turns
    .flatMap(({ items }) => items)
    .flatMap((item) => {
      if (item.kind !== 'tool' || item.agent?.result?.kind !== 'executor' || item.agent.merged) return [];
      const { agentId, description, outcome, error, result } = item.agent;
      const { treeBefore, treeAfter, changed, changedCount } = result;
      return [{ agentId, description, outcome, error, treeBefore, treeAfter, changed, changedCount }];
    });
}

/** `POST /v1/tasks/{id}/agents/{agentId}/bring-in` answers. */
export const BroughtIn = z.object({
  /** False where the proposal has all of it. */
  changed: z.boolean(),
  /** Of the proposal by now. */
  revision: z.number().int(),
  headTree: Oid,
  /** Paths where it did not go together with what is proposed: a text has conflict markers there, all else is as it was. */
  conflicts: z.array(z.string()),
  seq: z.number().int(),
});
export type BroughtIn = z.infer<typeof BroughtIn>;
