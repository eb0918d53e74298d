import * as z from 'zod';
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
