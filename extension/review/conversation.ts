import { randomUUID } from 'node:crypto';
import type { RelayClient } from '../../server/protocol/client.ts';
import type { CommentPlace } from '../../server/protocol/comments.ts';
import { draftsOf } from './drafts.ts';
import type { ReviewSession } from './session.ts';

/** Where something is said: in a thread that is there, or at lines of which nobody has said anything. */
export type Where = { threadId: string } | { place: CommentPlace };

export type Conversation = ReturnType<typeof createConversation>;

/** What the person says about the proposal. All of it is kept by the relay, drafts included, and shown once it is there. */
export function createConversation(deps: { session: ReviewSession; client: () => Promise<RelayClient> }) {
  const { session, client } = deps;

  /** Ids of what was sent and not answered: sent again it is the same comment, not a second one. */
  const unanswered = new Map<string, { commentId: string; threadId: string; clientId: string }>();

  return {
    /**
     * Writes a comment: a draft, or with `isNow` submitted together with all drafts there are.
     * @returns how many were submitted with it
     */
    async say(taskId: string, where: Where, text: string, { isNow = false } = {}): Promise<number> {
      const relay = await client();
      const key = JSON.stringify([taskId, where, text]);
      const ids = unanswered.get(key) ?? {
        commentId: randomUUID(),
        threadId: 'threadId' in where ? where.threadId : randomUUID(),
        clientId: randomUUID(),
      };
      unanswered.set(key, ids);
      const { commentId, threadId, clientId } = ids;
      const place = 'place' in where ? { place: where.place } : {};
      const others = draftsOf(session.current()?.threads ?? []).length;
      await relay.writeComments(taskId, {
        comments: [{ commentId, threadId, text, ...place }],
        ...(isNow ? { submit: { clientId } } : {}),
      });
      unanswered.delete(key);
      return isNow ? others : 0;
    },
    edit: async (taskId: string, commentId: string, text: string): Promise<void> =>
      (await client()).editComment(taskId, commentId, { text }),
    remove: async (taskId: string, commentId: string): Promise<void> =>
      (await client()).removeComment(taskId, commentId),
    resolve: async (taskId: string, threadId: string, isResolved: boolean): Promise<void> =>
      (await client()).resolveThread(taskId, threadId, { isResolved }),
    /** Gives the agent all drafts as one message, which begins with `text`. */
    submit: async (taskId: string, text: string) =>
      (await client()).submitComments(taskId, {
        clientId: randomUUID(),
        ...(text.trim() === '' ? {} : { text }),
      }),
  };
}
