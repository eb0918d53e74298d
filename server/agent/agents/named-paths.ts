import type { Merged } from '../../protocol/agents.ts';
import { AGENT_LIMITS } from './limits.ts';

/** What is told of paths that an executor changed: all of them, or the first and how many there are. */
export const namedChanges = (changed: readonly string[]): Pick<Merged, 'changed' | 'changedCount'> => ({
  changed: changed.slice(0, AGENT_LIMITS.paths),
  ...(changed.length > AGENT_LIMITS.paths ? { changedCount: changed.length } : {}),
});

/** The same of those that are in conflict. */
export const namedConflicts = (
  conflicts: readonly string[],
): Pick<Merged, 'conflicts' | 'conflictCount'> => ({
  conflicts: conflicts.slice(0, AGENT_LIMITS.paths),
  ...(conflicts.length > AGENT_LIMITS.paths ? { conflictCount: conflicts.length } : {}),
});

/** As they are read: what is not named is counted. @param total where that is more than `paths` has */
export function withRest(paths: readonly string[], total = paths.length): string[] {
  const named = paths.slice(0, AGENT_LIMITS.paths);
  const rest = total - named.length;
  return rest > 0 ? [...named, `and ${rest} more`] : named;
}
