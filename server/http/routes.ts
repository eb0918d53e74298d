import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import {
  AnswerAccepted,
  AnswerQuestion,
  ClientId,
  CreateTask,
  EditMessage,
  MessageAccepted,
  SendMessage,
  SourceUploaded,
  StopAnswer,
  TaskCreated,
  TaskImported,
} from '../protocol/commands.ts';
import { TaskEvent } from '../protocol/events.ts';
import { Health, Ready } from '../protocol/health.ts';
import { TaskList, TaskState } from '../protocol/task.ts';
import { UsageReport } from '../protocol/usage.ts';
import { body, errors, json, secured, taskId } from './route-parts.ts';

/** Every route's shape: what is checked, and what `GET /v1/openapi.json` says, are the same schemas. */

/** Of an event, as the database has it. */
export const MAX_SEQ = 2 ** 31 - 1;

export const health = createRoute({
  method: 'get',
  path: '/v1/health',
  summary: 'Whether the relay answers; needs no token.',
  responses: { 200: json(Health, 'It does.'), ...errors },
});

export const ready = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/ready',
  summary: 'Whether the engine is up, and what is missing for work.',
  responses: { 200: json(Ready, 'The engine is up.'), ...errors },
});

export const uploadSource = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/sources',
  summary: 'Uploads a git bundle: of unpushed commits, or of a repository without a remote.',
  request: {
    body: { required: true, content: { 'application/octet-stream': { schema: z.unknown() } } },
  },
  responses: { 201: json(SourceUploaded, 'The bundle is kept for a task.'), ...errors },
});

export const createTask = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks',
  summary: 'Delegates a task. The same clientId twice is one task.',
  request: body(CreateTask),
  responses: { 201: json(TaskCreated, 'The task was recorded and goes on by itself.'), ...errors },
});

export const listTasks = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks',
  summary: 'Tasks, newest first.',
  request: {
    query: z.object({
      cursor: z.uuid().optional(),
      limit: z.coerce.number().int().min(1).max(100).default(50),
    }),
  },
  responses: { 200: json(TaskList, 'A page of tasks.'), ...errors },
});

export const getTask = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}',
  summary: 'A task as it is now, with the seq of its last event.',
  request: { params: taskId },
  responses: { 200: json(TaskState, 'The whole state.'), ...errors },
});

export const archiveTask = createRoute({
  ...secured,
  method: 'delete',
  path: '/v1/tasks/{id}',
  summary: 'Archives a task: its sandbox is destroyed, its record kept.',
  request: { params: taskId },
  responses: { 204: { description: 'It is archived.' }, ...errors },
});

export const exportTask = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/export',
  summary: 'The whole task as one file: its record, its conversation and its Git objects.',
  request: { params: taskId },
  responses: {
    200: { description: 'The file.', content: { 'application/gzip': { schema: z.unknown() } } },
    ...errors,
  },
});

export const importTask = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/import',
  summary: 'Makes a task of an exported file, whole or not at all. It belongs to whoever imports it.',
  request: {
    body: { required: true, content: { 'application/octet-stream': { schema: z.unknown() } } },
  },
  responses: { 201: json(TaskImported, 'The task is here.'), ...errors },
});

export const followEvents = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/events',
  summary:
    'Events from a seq on, as server-sent events: gapless, without duplicates, resumed by Last-Event-ID.',
  request: {
    params: taskId,
    query: z.object({ after: z.coerce.number().int().min(0).max(MAX_SEQ).optional() }),
  },
  responses: {
    200: {
      description: 'One event a message; a comment at least every ten seconds.',
      content: { 'text/event-stream': { schema: TaskEvent } },
    },
    ...errors,
  },
});

export const sendMessage = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/messages',
  summary: 'Starts a turn, or is queued for the running one. The same clientId twice is one message.',
  request: { params: taskId, ...body(SendMessage) },
  responses: { 202: json(MessageAccepted, 'It was recorded.'), ...errors },
});

const messageId = taskId.extend({ messageId: ClientId });

export const editMessage = createRoute({
  ...secured,
  method: 'patch',
  path: '/v1/tasks/{id}/messages/{messageId}',
  summary: 'Changes a message that the agent has not read yet.',
  request: { params: messageId, ...body(EditMessage) },
  responses: { 204: { description: 'It was changed.' }, ...errors },
});

export const withdrawMessage = createRoute({
  ...secured,
  method: 'delete',
  path: '/v1/tasks/{id}/messages/{messageId}',
  summary: 'Takes a message back that the agent has not read yet.',
  request: { params: messageId },
  responses: { 204: { description: 'It was taken back.' }, ...errors },
});

export const answerQuestion = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/answers',
  summary: 'Answers what the agent asked; its turn goes on. The same answer twice is one.',
  request: { params: taskId, ...body(AnswerQuestion) },
  responses: { 202: json(AnswerAccepted, 'It was recorded.'), ...errors },
});

export const stopTask = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/stop',
  summary: 'Stops the running turn: its model call, its tools, its processes.',
  request: { params: taskId },
  responses: { 202: json(StopAnswer, 'It was asked to stop; turn.ended says when it has.'), ...errors },
});

export const getUsage = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/usage',
  summary: 'What the model calls of the caller’s tasks used and cost: by model, task, role and day.',
  request: {
    query: z.object({ since: z.coerce.number().int().min(0).default(0) }),
  },
  responses: { 200: json(UsageReport, 'Of calls made since then.'), ...errors },
});
