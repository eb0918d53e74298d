import * as z from 'zod';
import { ClientId } from './commands.ts';
import { Oid } from './source.ts';

/**
 * `POST /v1/tasks/{id}/rollback`: files and conversation as they were when that turn began. Files that the person changed since are
 * restored by `all`, kept by `owned`; `ask` is refused with `rollback_needs_choice` where there are such. Refused with `conflict` while
 * the agent works. The same `clientId` twice is one rollback.
 */
export const RollBack = z.object({
  clientId: ClientId,
  turnId: z.string().min(1).max(300),
  files: z.enum(['ask', 'owned', 'all']).default('ask'),
});
export type RollBack = z.input<typeof RollBack>;

export const RolledBack = z.object({
  revision: z.number().int(),
  headTree: Oid,
  /** Files that were not restored, because the person had changed them. */
  kept: z.array(z.string()),
  /** What the person had said to begin that turn. */
  text: z.string(),
  /** Of the event that recorded it. */
  seq: z.number().int(),
});
export type RolledBack = z.infer<typeof RolledBack>;
