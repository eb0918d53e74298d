import * as z from 'zod';
import { ClientId, MessageAccepted, MessageText } from './commands.ts';
import { UnitHash } from './review.ts';
import { RepoPath } from './source.ts';

/** Which lines a comment is about: 1-based and inclusive, in one side of the revision that the person looked at. */
export const CommentPlace = z.object({
  path: RepoPath,
  side: z.enum(['base', 'proposal']),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
  revision: z.number().int(),
  /** Those lines as they were, by which they are found again, or found to be gone. */
  snippet: z.string().max(20_000),
  /** The hunk that the person pointed at, if it was one. */
  hash: UnitHash.optional(),
});
export type CommentPlace = z.infer<typeof CommentPlace>;

/** The most comments that one request may carry. */
const MOST_COMMENTS = 200;

const CommentText = MessageText.max(20_000);

/** One that the person writes: it begins a thread, which needs a place, or goes on with one that is there. */
export const NewComment = z.object({
  commentId: ClientId,
  threadId: ClientId,
  place: CommentPlace.refine(
    ({ startLine, endLine }) => startLine <= endLine,
    'must not end before it begins',
  ).optional(),
  text: CommentText,
});
export type NewComment = z.infer<typeof NewComment>;

/** `POST /v1/tasks/{id}/comments/submit`: all drafts become one message, `text` being what it begins with. */
export const SubmitComments = z.object({ clientId: ClientId, text: MessageText.optional() });
export type SubmitComments = z.infer<typeof SubmitComments>;

/** `POST /v1/tasks/{id}/comments`: drafts, each once however often it is sent; with `submit`, all drafts are submitted then. */
export const WriteComments = z.object({
  comments: z.array(NewComment).max(MOST_COMMENTS),
  submit: SubmitComments.optional(),
});
export type WriteComments = z.infer<typeof WriteComments>;

export const CommentsWritten = z.object({
  /** Of the log when they were in it: a state with a smaller seq does not know of them yet. */
  seq: z.number().int(),
  /** What they were submitted as, if they were. */
  message: MessageAccepted.optional(),
});
export type CommentsWritten = z.infer<typeof CommentsWritten>;

/** `PATCH /v1/tasks/{id}/comments/{commentId}`: only a draft. */
export const EditComment = z.object({ text: CommentText });
export type EditComment = z.infer<typeof EditComment>;

/** `PUT /v1/tasks/{id}/threads/{threadId}` */
export const ResolveThread = z.object({ isResolved: z.boolean() });
export type ResolveThread = z.infer<typeof ResolveThread>;
