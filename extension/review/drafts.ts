import type { ReviewComment, ReviewThread } from '../../server/protocol/task.ts';

/** What the person wrote and has not submitted. */
export function draftsOf(threads: readonly ReviewThread[]): ReviewComment[] {
  return threads.flatMap(({ comments }) => comments.filter(({ isDraft }) => isDraft));
}
