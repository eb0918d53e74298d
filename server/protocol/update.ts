import * as z from 'zod';
import { ClientId } from './commands.ts';
import { Oid } from './source.ts';

/** `GET /v1/tasks/{id}/update`: whether the branch that the task started from has moved on. */
export const BaseStanding = z.object({
  branch: z.string(),
  baseCommit: Oid,
  latestCommit: Oid,
  isBehind: z.boolean(),
});
export type BaseStanding = z.infer<typeof BaseStanding>;

/**
 * `POST /v1/tasks/{id}/update`, with the person's token in the header `x-github-token` where the repository needs one: brings the task
 * onto the newest commit of its branch. Where that does not go together, `refuse` answers `update_conflict` and changes nothing, and
 * `markers` goes on with conflict markers. Refused with `conflict` while the agent works. The same `clientId` twice is one update.
 */
export const UpdateBase = z.object({
  clientId: ClientId,
  onConflict: z.enum(['refuse', 'markers']).default('refuse'),
});
export type UpdateBase = z.input<typeof UpdateBase>;

export const BaseUpdated = z.object({
  /** False where there was nothing newer. */
  changed: z.boolean(),
  baseCommit: Oid,
  baseTree: Oid,
  /** Of the proposal by now. */
  revision: z.number().int(),
  headTree: Oid,
  /** Paths that both sides had changed in ways that do not go together. */
  conflicts: z.array(z.string()),
  seq: z.number().int(),
});
export type BaseUpdated = z.infer<typeof BaseUpdated>;
