import * as z from 'zod';
import { Usage } from './agent-events.ts';
import { AgentCard } from './agents.ts';
import { Answer, Mode, Question, Selection } from './commands.ts';
import { CommentPlace } from './comments.ts';
import { Failure } from './errors.ts';
import { CheckOutcome, PullRequest, SandboxState, TodoItem, TurnOutcome } from './events.ts';
import { PullRequestStatus } from './follow.ts';
import { ChangedFile, FileDecisions } from './review.ts';
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
      agent: AgentCard.optional(),
    }),
    z.object({
      kind: z.literal('question'),
      ...Question.shape,
      answer: Answer.optional(),
      at: z.number(),
    }),
    /** From here on the model reads less than what stands above. */
    z.object({
      kind: z.literal('cut'),
      evicted: z.number(),
      summary: z.string().optional(),
      tokensBefore: z.number(),
      tokensAfter: z.number(),
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
  /** What it is run on. */
  tree: Oid.optional(),
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
  /** What all its model calls cost so far, in millionths of a US dollar; absent where no price is known. */
  costMicros: z.number().optional(),
  /** Absent: at once. */
  mode: Mode.optional(),
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
  /** The one that `acceptedTree` was made of. */
  revision: z.number().int(),
  acceptedTree: Oid,
  /** All decisions that still stand, sorted by path; also those about units that the newest revision does not have. */
  files: z.array(FileDecisions),
});
export type Review = z.infer<typeof Review>;

export const ReviewComment = z.object({
  commentId: z.string(),
  author: z.enum(['person', 'agent']),
  text: z.string(),
  isDraft: z.boolean(),
  /** Of the person's message that it was submitted with. */
  messageId: z.string().optional(),
  /** Of the agent's turn that wrote it. */
  turnId: z.string().optional(),
  at: z.number(),
});
export type ReviewComment = z.infer<typeof ReviewComment>;

/** A conversation about some lines of the proposal. */
export const ReviewThread = z.object({
  threadId: z.string(),
  place: CommentPlace,
  isResolved: z.boolean(),
  /** The agent's turn that took it for done. */
  resolvedIn: z.string().optional(),
  comments: z.array(ReviewComment),
});
export type ReviewThread = z.infer<typeof ReviewThread>;

export const PublishStage = z.enum(['started', 'committed', 'pushed', 'opened', 'failed']);
export const Publish = z.object({
  publishId: z.string(),
  stage: PublishStage,
  branch: z.string(),
  acceptedTree: Oid,
  pushedTree: Oid.optional(),
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
  /** What the workspace held when it was last captured or set; absent: the base. Not the proposal's where the person changed that since. */
  workspaceTree: Oid.optional(),
  /** What the workspace holds is of turns that were rolled back: nothing of it is kept. */
  isWorkspacePast: z.literal(true).optional(),
  review: Review.optional(),
  threads: z.array(ReviewThread),
  /** The agent's words for the pull request. */
  description: z.object({ title: z.string(), body: z.string() }).optional(),
  publish: Publish.optional(),
  pullRequest: PullRequestStatus.optional(),
  follow: z.object({ autoFix: z.number().int(), fixes: z.number().int() }).optional(),
  /** Until when (ms since 1970) the relay may open the pull request by itself. */
  unattendedUntil: z.number().optional(),
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
