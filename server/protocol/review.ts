import * as z from 'zod';
import { Oid, RepoPath } from './source.ts';

/** One changed run of lines, without context; `hash` is its identity. Lines are 1-based as in a unified diff with no context. */
export const Hunk = z.object({
  hash: z.string(),
  oldStart: z.number().int(),
  oldLines: z.number().int(),
  newStart: z.number().int(),
  newLines: z.number().int(),
});
export type Hunk = z.infer<typeof Hunk>;

/** How a path differs between base and proposal. Renames are a deletion and an addition: exact, and decided separately. */
export const FileStatus = z.enum(['added', 'modified', 'deleted', 'type-changed']);
export type FileStatus = z.infer<typeof FileStatus>;

/** A changed path as events and lists carry it. */
export const ChangedFile = z.object({
  path: z.string(),
  status: FileStatus,
  binary: z.boolean(),
  additions: z.number().int(),
  deletions: z.number().int(),
});
export type ChangedFile = z.infer<typeof ChangedFile>;

/** A changed path with what a review needs: object names, modes, and the hunks (none for a binary file: decided whole). */
export const FileChange = ChangedFile.extend({
  oldMode: z.string().nullable(),
  newMode: z.string().nullable(),
  oldOid: Oid.nullable(),
  newOid: Oid.nullable(),
  hunks: z.array(Hunk),
});
export type FileChange = z.infer<typeof FileChange>;

/** `GET /v1/tasks/{id}/changes` */
export const Changes = z.object({
  revision: z.number().int(),
  baseTree: Oid,
  headTree: Oid,
  files: z.array(FileChange),
});
export type Changes = z.infer<typeof Changes>;

/** What the person accepted of one path: the whole file (mode and all), or hunks by hash. What is not named is not accepted. */
export const AcceptedFile = z.object({
  path: RepoPath,
  hunks: z.union([z.literal('all'), z.array(z.string()).max(100_000)]),
});
export type AcceptedFile = z.infer<typeof AcceptedFile>;

/** `PUT /v1/tasks/{id}/review`: the complete decision, replacing the one before. */
export const PutReview = z.object({
  revision: z.number().int(),
  accepted: z.array(AcceptedFile).max(20_000),
});
export type PutReview = z.infer<typeof PutReview>;

/** The answer to it: the one tree that may be pushed. */
export const ReviewRecorded = z.object({
  revision: z.number().int(),
  acceptedTree: Oid,
  /** Of the event that recorded it: a state with a smaller seq does not know of it yet. */
  seq: z.number().int(),
});
export type ReviewRecorded = z.infer<typeof ReviewRecorded>;
