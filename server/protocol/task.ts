import * as z from 'zod';
import { Answer, Question, Selection } from './commands.ts';
import { Failure } from './errors.ts';
import { CheckOutcome, PullRequest, SandboxState, TodoItem, TurnOutcome, Usage } from './events.ts';
import { AcceptedFile, ChangedFile } from './review.ts';
import { Oid, SourceSummary } from './source.ts';

/**
 * `idle` is a task that was created and has no turn yet; `waiting` one that cannot go on now (its turn says why); `asking` one
 * that needs an answer of the person. The last but `archived` are how its last turn ended.
 */
export const TaskStatus = z.enum([
  'idle',
  'running',
  'waiting',
  'asking',
  'stopping',
  'completed',
  'stopped',
  'failed',
  'archived',
]);
export type TaskStatus = z.infer<typeof TaskStatus>;

/** What a chat shows, one entry of a turn. */
export const Item = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('user'),
      messageId: z.string(),
      text: z.string(),
      /** What the person pointed at; absent where it was nothing. */
      selection: z.array(Selection).optional(),
      at: z.number(),
    }),
    z.object({
      kind: z.literal('text'),
      messageId: z.string(),
      attempt: z.number(),
      text: z.string(),
      done: z.boolean(),
    }),
    z.object({
      kind: z.literal('tool'),
      callId: z.string(),
      name: z.string(),
      input: z.unknown(),
      /** What a running command has printed so far; dropped when it has finished. */
      live: z.string().optional(),
      output: z.string().optional(),
      isError: z.boolean().optional(),
      startedAt: z.number(),
      durationMs: z.number().optional(),
      /** What the subagent that works for this call says and does, where the call is one. */
      get items() {
        return z.array(Item).optional();
      },
    }),
    z.object({
      kind: z.literal('question'),
      ...Question.shape,
      answer: Answer.optional(),
      at: z.number(),
    }),
    z.object({
      kind: z.literal('notice'),
      level: z.enum(['info', 'warning', 'error']),
      text: z.string(),
      nextAction: z.string().optional(),
      at: z.number(),
    }),
  ])
  .meta({ id: 'Item' });
export type Item = z.infer<typeof Item>;

/** A check of the repository's own on what a turn left. */
export const Check = z.object({
  name: z.string(),
  command: z.string(),
  outcome: CheckOutcome.optional(),
  output: z.string().optional(),
  startedAt: z.number(),
  durationMs: z.number().optional(),
});
export type Check = z.infer<typeof Check>;

export const Turn = z.object({
  turnId: z.string(),
  startedAt: z.number(),
  /** Why it does not go on now. */
  waiting: Failure.optional(),
  /** Since when it has not gone on, because it waits or is parked; and how long (ms) it had not before. */
  restingSince: z.number().optional(),
  restedMs: z.number().optional(),
  endedAt: z.number().optional(),
  outcome: TurnOutcome.optional(),
  error: Failure.optional(),
  usage: Usage.optional(),
  items: z.array(Item),
  checks: z.array(Check).optional(),
});
export type Turn = z.infer<typeof Turn>;

export const Proposal = z.object({
  revision: z.number().int(),
  baseTree: Oid,
  headTree: Oid,
  files: z.array(ChangedFile),
});
export type Proposal = z.infer<typeof Proposal>;

export const Review = z.object({
  revision: z.number().int(),
  accepted: z.array(AcceptedFile),
  acceptedTree: Oid,
});
export type Review = z.infer<typeof Review>;

export const PublishStage = z.enum(['started', 'committed', 'pushed', 'opened', 'failed']);
export const Publish = z.object({
  publishId: z.string(),
  stage: PublishStage,
  branch: z.string(),
  acceptedTree: Oid,
  commit: Oid.optional(),
  pullRequest: PullRequest.optional(),
  error: Failure.optional(),
  compareUrl: z.string().optional(),
});
export type Publish = z.infer<typeof Publish>;

/** The whole of a task at `seq`. Made by `reduce` and by nothing else. */
export const TaskState = z.object({
  taskId: z.string(),
  seq: z.number().int(),
  title: z.string(),
  status: TaskStatus,
  createdAt: z.number(),
  updatedAt: z.number(),
  source: SourceSummary.optional(),
  model: z.string().optional(),
  sandbox: z.object({ state: SandboxState, detail: z.string().optional() }).optional(),
  turns: z.array(Turn),
  /** Messages sent while a turn runs, not yet read by the agent. */
  queue: z.array(z.object({ messageId: z.string(), text: z.string(), at: z.number() })),
  todos: z.array(TodoItem),
  proposal: Proposal.optional(),
  review: Review.optional(),
  publish: Publish.optional(),
});
export type TaskState = z.infer<typeof TaskState>;

/** A task as a list shows it. */
export const TaskSummary = z.object({
  taskId: z.string(),
  seq: z.number().int(),
  title: z.string(),
  status: TaskStatus,
  createdAt: z.number(),
  updatedAt: z.number(),
  repository: z.string(),
  changedFiles: z.number().int(),
  pullRequestUrl: z.string().optional(),
});
export type TaskSummary = z.infer<typeof TaskSummary>;

/** `GET /v1/tasks`: newest first; `next` is the cursor of the following page. */
export const TaskList = z.object({ tasks: z.array(TaskSummary), next: z.string().optional() });
export type TaskList = z.infer<typeof TaskList>;
