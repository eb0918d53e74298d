import * as z from 'zod';
import { agentEvents, Usage } from './agent-events.ts';
import { Answer, Mode, Question, Selection } from './commands.ts';
import { CommentPlace } from './comments.ts';
import { Failure } from './errors.ts';
import { byAgent, event, inTurn } from './event-shape.ts';
import { PullRequestStatus } from './follow.ts';
import { ChangedFile, Decided } from './review.ts';
import { Oid, SourceSummary } from './source.ts';

/** One point of the agent's plan. */
export const TodoItem = z.object({
  text: z.string(),
  status: z.enum(['pending', 'in_progress', 'completed']),
});
export type TodoItem = z.infer<typeof TodoItem>;

/**
 * What a task's machine does, as the relay last knew it. `lost`: it was there and is no more; what was captured of it is kept, and
 * a new one is made of that. `archived`: given back with the task, or put where waking takes minutes. `gone` is what `lost` was called.
 */
export const SandboxState = z.enum([
  'provisioning',
  'running',
  'hibernating',
  'hibernated',
  'resuming',
  'archived',
  'lost',
  'failed',
  'gone',
]);
export type SandboxState = z.infer<typeof SandboxState>;

export const TurnOutcome = z.enum(['completed', 'stopped', 'failed']);
export type TurnOutcome = z.infer<typeof TurnOutcome>;

/** `cancelled`: the person went on before it ended. `failed`: it ended with another exit code than 0, or not in time. */
export const CheckOutcome = z.enum(['passed', 'failed', 'cancelled']);
export type CheckOutcome = z.infer<typeof CheckOutcome>;

/** Who changed a proposal other than the agent: the person's hand, a rollback, or a base that moved on. */
export const ProposalAuthor = z.enum(['person', 'rollback', 'update']);
export type ProposalAuthor = z.infer<typeof ProposalAuthor>;

/** Where accepted work ended up. */
export const PullRequest = z.object({
  url: z.string(),
  number: z.number().int(),
  /** An open pull request of the same branch was there and was brought up to date. */
  reused: z.boolean(),
});
export type PullRequest = z.infer<typeof PullRequest>;

const message = { messageId: z.string(), text: z.string(), selection: z.array(Selection).optional() };
/** A file as an agent saw it: SHA-256 of its content, hex; null where it learned that nothing is there. */
export const SeenFile = z.object({ path: z.string(), sha256: z.string().nullable() });
export type SeenFile = z.infer<typeof SeenFile>;

/**
 * Everything that happens to a task, as facts in the past tense. `seq` counts from 1 without a gap in each task,
 * `at` is milliseconds since 1970. Only `reduce` gives them meaning.
 */
export const TaskEvent = z.discriminatedUnion('type', [
  event('task.created', {
    taskId: z.string(),
    title: z.string(),
    source: SourceSummary,
    model: z.string().optional(),
  }),
  event('task.archived', {}),
  /** The task's record came from another relay as a file, whole, up to here. */
  event('task.imported', {}),

  event('message.queued', { ...message, mode: Mode.optional() }),
  event('message.edited', { messageId: z.string(), text: z.string() }),
  event('message.withdrawn', { messageId: z.string() }),
  event('message.delivered', { ...inTurn, ...message, mode: Mode.optional() }),
  /** The message was a command (`/name`): the agent reads this instead of what the person typed. */
  event('message.expanded', { ...inTurn, messageId: z.string(), text: z.string() }),

  event('turn.started', { ...inTurn }),
  event('turn.stopping', { ...inTurn }),
  /** It cannot go on now and says why; it does by itself once that has passed. */
  event('turn.waiting', { ...inTurn, reason: Failure }),
  /** It waits for the person's answer, at no cost: no process, no memory, no running sandbox is needed for it. */
  event('turn.parked', { ...inTurn }),
  /** It was waiting or parked, and goes on. */
  event('turn.continued', { ...inTurn }),
  event('turn.ended', { ...inTurn, outcome: TurnOutcome, error: Failure.optional(), usage: Usage }),

  /** `isNews`: what the agent remembers of its machine is no longer so, as the detail says. */
  event('sandbox.changed', {
    state: SandboxState,
    detail: z.string().optional(),
    isNews: z.boolean().optional(),
  }),

  /** The repository's own setup of a new machine; it goes on for as long as nothing else is told. */
  event('setup.started', { key: z.string(), command: z.string() }),
  /** `cached`: the machine came with it done. `output` is the end of what it printed. */
  event('setup.finished', {
    key: z.string(),
    outcome: z.enum(['passed', 'failed', 'cached']),
    output: z.string(),
    durationMs: z.number().int(),
  }),
  /** Something that the repository asked for around its workspace, and does not get as asked. */
  event('environment.noted', { text: z.string() }),

  event('model.called', { ...byAgent, messageId: z.string(), attempt: z.number().int(), model: z.string() }),
  /** A call that failed and is tried again; what was shown of it before is superseded by the next attempt. */
  event('model.retried', {
    ...byAgent,
    messageId: z.string(),
    attempt: z.number().int(),
    reason: Failure,
    delayMs: z.number().int(),
    /** The model that is asked next, where it is another one. */
    next: z.string().optional(),
  }),
  /** What a call used that came to nothing: an answer that was held back, or all of it thoughts. It is paid for. */
  event('model.spent', {
    ...byAgent,
    messageId: z.string(),
    attempt: z.number().int(),
    model: z.string(),
    usage: Usage,
  }),
  event('text.delta', {
    ...byAgent,
    messageId: z.string(),
    attempt: z.number().int(),
    text: z.string(),
  }),
  /** The model's whole answer. `toolCalls` name what it asked for; each then has its own started and finished. */
  event('model.answered', {
    ...byAgent,
    messageId: z.string(),
    attempt: z.number().int(),
    text: z.string(),
    toolCalls: z.array(z.object({ callId: z.string(), name: z.string(), input: z.unknown() })),
    /** Its end is missing: it came to the most that the model may say at once. */
    isCut: z.literal(true).optional(),
    /** Which model it was, as `provider/model`; absent in records of older versions. */
    model: z.string().optional(),
    usage: Usage,
  }),

  event('tool.started', { ...byAgent, callId: z.string(), name: z.string(), input: z.unknown() }),
  event('tool.output', {
    ...byAgent,
    callId: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
  }),
  /** `output` is exactly what the model reads. */
  event('tool.finished', {
    ...byAgent,
    callId: z.string(),
    name: z.string(),
    output: z.string(),
    isError: z.boolean(),
    durationMs: z.number().int(),
    /** What the agent knows of files by this call. */
    files: z.array(SeenFile).optional(),
    /** Images and the like that the model reads besides the text; their bytes are kept under `key`. */
    media: z.array(z.object({ key: z.string(), mediaType: z.string() })).optional(),
  }),

  ...agentEvents,
  event('todos.changed', { ...inTurn, items: z.array(TodoItem) }),

  /** The agent needs the person. `questionId` is the `callId` of the tool call that asks. */
  event('question.asked', { ...inTurn, ...Question.shape }),
  event('question.answered', { ...inTurn, questionId: z.string(), answer: Answer }),

  /** A check of the repository's own, run on what the turn left. */
  event('check.started', {
    ...inTurn,
    name: z.string(),
    command: z.string(),
    /** What it is run on: the agent's work, without what the person has made of that since. */
    tree: Oid.optional(),
  }),
  event('check.finished', {
    ...inTurn,
    name: z.string(),
    outcome: CheckOutcome,
    /** The end of what it printed. */
    output: z.string(),
    durationMs: z.number().int(),
  }),

  /** `by`: who made it so where it was not the agent, whose work is what is captured. */
  event('proposal.changed', {
    revision: z.number().int(),
    baseTree: Oid,
    headTree: Oid,
    files: z.array(ChangedFile),
    by: ProposalAuthor.optional(),
  }),
  /** The workspace holds `headTree`, which is not what is proposed, or was not captured from it: it was given those files. */
  event('workspace.set', {
    turnId: z.string().optional(),
    headTree: Oid,
    /** Paths where what was found there did not go together with what the person had edited meanwhile. */
    conflicts: z.array(z.string()).optional(),
  }),
  /** With these decisions, added to those before, `acceptedTree` is base and all that is accepted of the revision. */
  event('review.decided', {
    revision: z.number().int(),
    decisions: z.array(Decided),
    acceptedTree: Oid,
  }),
  /** What the person took out or changed themselves since the agent worked last: it reads this as `text`, once. */
  event('review.told', { ...inTurn, text: z.string() }),
  /** The agent's own words for the pull request. */
  event('changes.described', { ...inTurn, title: z.string(), body: z.string() }),

  /**
   * A comment on the proposal. The first of a thread says where. A draft is the person's alone until it is submitted.
   * `turnId`, here and below: of the agent's turn, where the agent did it.
   */
  event('comment.written', {
    commentId: z.string(),
    threadId: z.string(),
    author: z.enum(['person', 'agent']),
    text: z.string(),
    place: CommentPlace.optional(),
    isDraft: z.boolean(),
    turnId: z.string().optional(),
  }),
  event('comment.edited', { commentId: z.string(), text: z.string() }),
  event('comment.removed', { commentId: z.string() }),
  /** Drafts that the agent is given as one message. */
  event('comments.submitted', { commentIds: z.array(z.string()), messageId: z.string() }),
  event('thread.resolved', {
    threadId: z.string(),
    isResolved: z.boolean(),
    turnId: z.string().optional(),
  }),

  /** Files and conversation are what they were when that turn began, but for the files in `kept`. It and what followed is no part of the chat. */
  event('task.rolled_back', { turnId: z.string(), headTree: Oid, kept: z.array(z.string()) }),
  /** The proposal is compared with another commit from here on; what was proposed is on top of that. */
  event('base.updated', {
    baseCommit: Oid,
    baseTree: Oid,
    /** What it was compared with until then. */
    formerTree: Oid,
    conflicts: z.array(z.string()),
  }),

  /** `pushedTree`: what is pushed where it is not the accepted tree itself, because uncommitted work is left out of it. */
  event('publish.started', {
    publishId: z.string(),
    branch: z.string(),
    acceptedTree: Oid,
    pushedTree: Oid.optional(),
    isUnattended: z.boolean().optional(),
  }),
  event('publish.committed', { publishId: z.string(), commit: Oid, tree: Oid }),
  event('publish.pushed', { publishId: z.string(), branch: z.string(), commit: Oid, tree: Oid }),
  event('publish.opened', { publishId: z.string(), pullRequest: PullRequest }),
  /** `compareUrl` is the prefilled page where the person can open the pull request by hand. */
  event('publish.failed', { publishId: z.string(), error: Failure, compareUrl: z.string().optional() }),

  /** The pull request is, or its checks and reviews are, as told now. */
  event('pull_request.changed', { status: PullRequestStatus }),
  /** How many turns may be spent on checks that fail, with nobody asked. */
  event('follow.changed', { autoFix: z.number().int().min(0) }),
  /** `checks` that the turn of that message is to mend: of the pull request, or of the turn `turnId`, where they are the repository's own. */
  event('fix.requested', {
    messageId: z.string(),
    checks: z.array(z.string()),
    isAutomatic: z.boolean(),
    turnId: z.string().optional(),
  }),

  /** The person left a token for this one task, to be used once and until then: `until` is milliseconds since 1970. */
  event('unattended.armed', { until: z.number().int() }),
  /** The token is destroyed. */
  event('unattended.ended', {
    reason: z.enum(['used', 'expired', 'cancelled', 'failed']),
    detail: z.string().optional(),
  }),

  /**
   * Stands for the events from `first` to its own `seq`, which were only of use while they happened: pieces of text and of
   * output whose whole is in a later event. It is the one event that may follow an event other than its predecessor.
   */
  event('log.compacted', { first: z.number().int().min(1) }),
]);
export type TaskEvent = z.infer<typeof TaskEvent>;
export type TaskEventType = TaskEvent['type'];
export type EventOf<Type extends TaskEventType> = Extract<TaskEvent, { type: Type }>;

/** The first number that an event stands for: its own, but for one that stands for others, too. */
export const firstSeq = (event: TaskEvent): number =>
  event.type === 'log.compacted' ? event.first : event.seq;

type Unnumbered<Event> = Event extends TaskEvent ? Omit<Event, 'seq' | 'at'> : never;
/** An event before the log has given it its place. */
export type NewEvent = Unnumbered<TaskEvent>;
