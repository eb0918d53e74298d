import * as z from 'zod';
import { Oid, RepoPath, SourcePlace, SourceSpec } from './source.ts';

/** Made by the client, so that a repeated request is one command. */
export const ClientId = z
  .string()
  .min(8)
  .max(64)
  .regex(/^[\w.:-]+$/);

/** The most text that one message may carry, in UTF-16 units. */
export const MAX_MESSAGE_LENGTH = 200_000;
export const MessageText = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(MAX_MESSAGE_LENGTH)
  .refine((text) => !text.includes('\0'), 'must not contain NUL')
  .refine((text) => text.isWellFormed(), 'must not contain half a character (a lone surrogate)');

/** How the agent is to work on a message: at once, or by a plan that the person approves first. */
export const Mode = z.enum(['act', 'plan']);
export type Mode = z.infer<typeof Mode>;

/** A part of a file that the person pointed at: lines are 1-based and inclusive. */
export const Selection = z.object({
  path: RepoPath,
  startLine: z.number().int().min(1).optional(),
  endLine: z.number().int().min(1).optional(),
});
export type Selection = z.infer<typeof Selection>;

/** `POST /v1/tasks` */
export const CreateTask = z.object({
  clientId: ClientId,
  prompt: MessageText,
  source: SourceSpec,
  /** Files or lines that the task is about, as chosen in the editor. */
  selection: z.array(Selection).max(100).default([]),
  model: z.string().max(200).optional(),
  mode: Mode.optional(),
});
export type CreateTask = z.input<typeof CreateTask>;
/** `POST /v1/warm`: somebody is about to delegate from here. The machine that the task begins from may be built beforehand. */
export const Warm = z.object({ source: SourcePlace.required({ url: true }) });
export type Warm = z.infer<typeof Warm>;

export const TaskCreated = z.object({ taskId: z.string(), turnId: z.string() });
export type TaskCreated = z.infer<typeof TaskCreated>;

/** `POST /v1/sources` answers */
export const SourceUploaded = z.object({ sourceId: z.string(), bytes: z.number().int() });

/** `POST /v1/tasks/{id}/messages` */
export const SendMessage = z.object({
  clientId: ClientId,
  text: MessageText,
  selection: z.array(Selection).max(100).default([]),
  /** Absent: as the turn works by then, which is at once where it begins with this message. */
  mode: Mode.optional(),
});
export type SendMessage = z.input<typeof SendMessage>;
export const MessageAccepted = z.object({
  messageId: z.string(),
  turnId: z.string(),
  /** `started` a new turn, or was `queued` for the running one. */
  disposition: z.enum(['started', 'queued']),
});
export type MessageAccepted = z.infer<typeof MessageAccepted>;

/** `PATCH /v1/tasks/{id}/messages/{messageId}`: only while it is queued. */
export const EditMessage = z.object({ text: MessageText });
export type EditMessage = z.input<typeof EditMessage>;

/** What the agent asks of the person. With options, one of them may be chosen; with `freeText`, anything may be said. */
export const Question = z.object({
  questionId: z.string(),
  question: z.string(),
  options: z.array(z.object({ label: z.string(), description: z.string().optional() })),
  freeText: z.boolean(),
  /** What it is about, where that is more than a question of a call: a plan to be approved, or (asked by the relay itself) more to spend. */
  about: z.enum(['plan', 'spend']).optional(),
});
export type Question = z.infer<typeof Question>;

/** `dismissed`: the person wrote a message instead, or stopped the turn. */
export const Answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('choice'), label: z.string().max(500) }),
  z.object({ kind: z.literal('text'), text: MessageText }),
  z.object({ kind: z.literal('dismissed') }),
]);
export type Answer = z.infer<typeof Answer>;

/** `POST /v1/tasks/{id}/answers`. The same answer twice is one; another one to a question that was answered is refused. */
export const AnswerQuestion = z.object({ questionId: z.string().max(300), answer: Answer });
export type AnswerQuestion = z.input<typeof AnswerQuestion>;
export const AnswerAccepted = z.object({ questionId: z.string(), turnId: z.string() });
export type AnswerAccepted = z.infer<typeof AnswerAccepted>;

/** `POST /v1/tasks/import` answers */
export const TaskImported = z.object({ taskId: z.string(), seq: z.number().int() });
export type TaskImported = z.infer<typeof TaskImported>;

/** `POST /v1/tasks/{id}/stop` answers. `stopped: false` where nothing was running. */
export const StopAnswer = z.object({ stopped: z.boolean(), turnId: z.string().optional() });
export type StopAnswer = z.infer<typeof StopAnswer>;

/** Who a commit is by. */
export const Person = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^<>\n\0]+$/),
  email: z
    .string()
    .trim()
    .min(1)
    .max(320)
    .regex(/^[^<>\s\0]+$/),
});
export type Person = z.infer<typeof Person>;

/**
 * What becomes of the uncommitted work that a task started from: left out of what is pushed (3-way), or included as its own first
 * commit.
 */
export const Uncommitted = z.enum(['leave-out', 'include']);
export type Uncommitted = z.infer<typeof Uncommitted>;

/** `POST /v1/tasks/{id}/pull-request`, with the person's token in the header `x-github-token` */
export const OpenPullRequest = z.object({
  acceptedTree: Oid,
  title: z
    .string()
    .trim()
    .min(1)
    .max(256)
    .regex(/^[^\n]*$/, 'must be one line'),
  body: z.string().max(60_000).default(''),
  draft: z.boolean().default(true),
  /** The branch to push to. Absent: one derived from the task's title and id. */
  branch: z.string().max(200).optional(),
  /** The commit's author and committer. Absent: the owner of the token, as GitHub names them. */
  author: Person.optional(),
  uncommitted: Uncommitted.default('leave-out'),
  /** The branch that the pull request is to go into. Absent: the one that the person was on. */
  base: z.string().max(200).optional(),
  /** Have GitHub make the commits and sign them as the person. */
  sign: z.boolean().default(false),
  /** The person's separate yes to changes of what the repository's automation runs. */
  allowWorkflows: z.boolean().default(false),
  /** Findings of the secret scan that the person says are none, by their fingerprint. */
  allowedSecrets: z.array(z.string().max(64)).max(1000).default([]),
});
export type OpenPullRequest = z.input<typeof OpenPullRequest>;
