import * as z from 'zod';
import { OpenPullRequest, Person, Uncommitted } from './commands.ts';

const { title, body } = OpenPullRequest.shape;

/**
 * `PUT /v1/tasks/{id}/unattended`: leaves the token of the header `x-github-token` for this one task. With it the relay opens a
 * draft pull request by itself, once, when a turn has completed and the repository's checks have passed.
 */
export const ArmUnattended = z.object({
  hours: z.number().min(1).max(168).default(24),
  uncommitted: Uncommitted.default('leave-out'),
  /** Nobody is there to say that it is ready for review. */
  draft: z.literal(true).default(true),
  /** Absent: the owner of the token. */
  author: Person.optional(),
  /** Absent: the agent's words for it, or else the task's title. */
  title: title.optional(),
  body: body.unwrap().optional(),
});
export type ArmUnattended = z.input<typeof ArmUnattended>;

/** The answer to that, and what `GET` on it answers: never the token. */
export const Unattended = z.object({
  /** Until when (ms since 1970) the relay may open the pull request by itself; absent where it may not. */
  until: z.number().optional(),
  /** What it would be opened with. */
  plan: ArmUnattended.omit({ hours: true }).optional(),
});
export type Unattended = z.infer<typeof Unattended>;
