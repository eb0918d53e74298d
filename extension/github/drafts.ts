import type { Memento } from 'vscode';
import type { OpenPullRequest } from '../../server/protocol/commands.ts';

/** What the person wrote and chose for a pull request that is not open yet; nothing of it that is a consent. */
export type PullRequestDraft = Partial<
  Pick<OpenPullRequest, 'title' | 'body' | 'draft' | 'uncommitted' | 'base' | 'branch'>
>;

const KEY = 'handoff.pullRequestDrafts';
/** Those of the tasks that were written for last. */
const KEPT = 50;

export type Drafts = ReturnType<typeof createDrafts>;

/** Keeps what was typed until the pull request is open, whatever happens on the way to it. */
export function createDrafts(memento: Memento) {
  const all = () => memento.get<Record<string, PullRequestDraft>>(KEY, {});
  return {
    of: (taskId: string): PullRequestDraft => all()[taskId] ?? {},
    async keep(taskId: string, typed: PullRequestDraft): Promise<void> {
      const { [taskId]: before, ...others } = all();
      const kept = Object.entries(others).slice(1 - KEPT);
      await memento.update(KEY, { ...Object.fromEntries(kept), [taskId]: { ...before, ...typed } });
    },
    async drop(taskId: string): Promise<void> {
      const { [taskId]: _done, ...others } = all();
      await memento.update(KEY, others);
    },
  };
}
