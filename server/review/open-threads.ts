import type { ReviewThread } from '../protocol/task.ts';

/** Threads that the agent knows of: those in which something was submitted. */
export const toldThreads = (threads: readonly ReviewThread[]): ReviewThread[] =>
  threads.filter(({ comments }) => comments.some(({ isDraft }) => !isDraft));

/** What is talked about and not settled, as the agent reads it: a thread a paragraph, without the person's drafts. */
export function openThreadsText(threads: readonly ReviewThread[]): string {
  const open = toldThreads(threads).filter(({ isResolved }) => !isResolved);
  if (open.length === 0) return 'No thread is open.';
  return open
    .map(({ threadId, place, comments }) => {
      const said = comments
        .filter(({ isDraft }) => !isDraft)
        .map(({ author, text }) => `${author === 'agent' ? 'You' : 'The person'}: ${text}`);
      return [`[thread ${threadId}] ${place.path}, line ${place.startLine}`, ...said].join('\n');
    })
    .join('\n\n');
}
