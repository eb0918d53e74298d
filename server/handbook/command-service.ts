import { OWN_COMMANDS, type SlashCommandInfo } from '../protocol/slash-commands.ts';
import type { TaskRow } from '../tasks/task-store.ts';
import type { HandbookOf } from './read-handbook.ts';

/** What may be written as `/name` in a task. */
export interface CommandService {
  /** By name. Those that every relay has alone where the repository's files are not here yet. */
  list(taskId: string): Promise<SlashCommandInfo[]>;
}

export function createCommandService(deps: {
  rowOf: (taskId: string) => Promise<Pick<TaskRow, 'prepared'>>;
  handbookOf: HandbookOf;
}): CommandService {
  return {
    async list(taskId) {
      const { prepared } = await deps.rowOf(taskId);
      // Another machine may have them, or the disk be gone: what every relay knows can be told all the same.
      const found = prepared
        ? await deps.handbookOf(taskId, prepared.baseTree).catch(() => undefined)
        : undefined;
      const theirs = (found?.commands ?? []).map(({ name, description }) => ({
        ...{ name, description },
        source: 'repository' as const,
      }));
      return [...OWN_COMMANDS, ...theirs].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}
