import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { MessageAccepted } from '../protocol/commands.ts';
import {
  CommentsWritten,
  EditComment,
  ResolveThread,
  SubmitComments,
  WriteComments,
} from '../protocol/comments.ts';
import { body, errors, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about talking on lines of the proposal. */

const commentId = taskId.extend({ commentId: z.string().max(300) });
const done = { 204: { description: 'It is so.' }, ...errors };

export const writeComments = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/comments',
  summary: 'Drafts of comments, each written once by its id; with “submit”, all drafts become one message.',
  request: { params: taskId, ...body(WriteComments) },
  responses: { 200: json(CommentsWritten, 'They are kept.'), ...errors },
});

export const submitComments = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/comments/submit',
  summary: 'All drafts become one message to the agent.',
  request: { params: taskId, ...body(SubmitComments) },
  responses: { 202: json(MessageAccepted, 'It started a turn, or waits for the running one.'), ...errors },
});

export const editComment = createRoute({
  ...secured,
  method: 'patch',
  path: '/v1/tasks/{id}/comments/{commentId}',
  summary: 'Another text for a draft.',
  request: { params: commentId, ...body(EditComment) },
  responses: done,
});

export const removeComment = createRoute({
  ...secured,
  method: 'delete',
  path: '/v1/tasks/{id}/comments/{commentId}',
  summary: 'Takes a draft away.',
  request: { params: commentId },
  responses: done,
});

export const resolveThread = createRoute({
  ...secured,
  method: 'put',
  path: '/v1/tasks/{id}/threads/{threadId}',
  summary: 'Settles a thread, or opens it again.',
  request: { params: taskId.extend({ threadId: z.string().max(300) }), ...body(ResolveThread) },
  responses: done,
});
