import type { BaseStanding } from '../../server/protocol/update.ts';

export interface BaseHintDeps {
  /** Rejects where it cannot be found out, which is nothing to tell. */
  standing(taskId: string): Promise<BaseStanding>;
  tell(taskId: string, standing: BaseStanding): void;
  log: { debug(message: string): void };
}

export type BaseHint = ReturnType<typeof createBaseHint>;

/** Tells that the branch which a task started from has moved on: once of each commit. Whether to update is the person's to say. */
export function createBaseHint({ standing, tell, log }: BaseHintDeps) {
  const found = new Map<string, BaseStanding>();
  return {
    async look(taskId: string): Promise<void> {
      try {
        const now = await standing(taskId);
        const before = found.get(taskId);
        found.set(taskId, now);
        if (now.isBehind && before?.latestCommit !== now.latestCommit) tell(taskId, now);
      } catch (error) {
        log.debug(`whether the base moved: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    /** The newer commit, as it was seen last, of a task that still is on `baseCommit`. */
    newer(taskId: string, baseCommit: string | undefined): string | undefined {
      const seen = found.get(taskId);
      return seen?.isBehind && seen.baseCommit === baseCommit ? seen.latestCommit : undefined;
    },
  };
}
