import type { Asking } from './asking.ts';
import { MessageAccepted } from './commands.ts';
import {
  CommentsWritten,
  type EditComment,
  type ResolveThread,
  type SubmitComments,
  type WriteComments,
} from './comments.ts';

/** The calls of the relay's client that are about talking on lines of the proposal. */
export function commentCalls({ task, request, read }: Asking) {
  const comment = (id: string, commentId: string) => task(id, `/comments/${encodeURIComponent(commentId)}`);
  return {
    /** Each comment is written once, by its id; another text under an id that was used is refused with `conflict`. */
    writeComments: (id: string, body: WriteComments) =>
      read(CommentsWritten, task(id, '/comments'), { method: 'POST', json: body }),
    /** Refused with `conflict` once it was submitted. */
    editComment: async (id: string, commentId: string, body: EditComment): Promise<void> => {
      await request(comment(id, commentId), { method: 'PATCH', json: body });
    },
    removeComment: async (id: string, commentId: string): Promise<void> => {
      await request(comment(id, commentId), { method: 'DELETE' });
    },
    /** The same `clientId` twice is one message. Refused with `conflict` where there is no draft. */
    submitComments: (id: string, body: SubmitComments) =>
      read(MessageAccepted, task(id, '/comments/submit'), { method: 'POST', json: body }),
    resolveThread: async (id: string, threadId: string, body: ResolveThread): Promise<void> => {
      await request(task(id, `/threads/${encodeURIComponent(threadId)}`), { method: 'PUT', json: body });
    },
  };
}
