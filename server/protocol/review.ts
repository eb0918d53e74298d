import * as z from 'zod';
import { Oid, RepoPath } from './source.ts';

/** The identity of something that is decided on its own: a hunk, or what of a file is no line of text (`FileChange.whole`). */
export const UnitHash = z.string().min(1).max(64);

/** One changed run of lines, without context; `hash` is its identity. Lines are 1-based as in a unified diff with no context. */
export const Hunk = z.object({
  hash: UnitHash,
  oldStart: z.number().int(),
  oldLines: z.number().int(),
  newStart: z.number().int(),
  newLines: z.number().int(),
  /** Why, in the agent's words: one line. Absent where it said nothing of it. */
  reason: z.string().optional(),
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

/** How carefully a change wants to be read, and why. */
export const Risk = z.object({
  level: z.enum(['high', 'normal', 'low']),
  why: z.array(z.string()),
});
export type Risk = z.infer<typeof Risk>;

/** A changed path with what a review needs: object names, modes, and the hunks (none for a binary file: decided whole). */
export const FileChange = ChangedFile.extend({
  oldMode: z.string().nullable(),
  newMode: z.string().nullable(),
  oldOid: Oid.nullable(),
  newOid: Oid.nullable(),
  hunks: z.array(Hunk),
  /** The identity of what differs and is no line of text: a mode, a type, a binary or empty file. Decided like a hunk. */
  whole: UnitHash.optional(),
  /** The deleted path of the same proposal that this file was, as far as its content tells. Both are decided apart. */
  renamedFrom: z.string().optional(),
  /** Made by a program from other files; there is nothing to learn from reading it. */
  generated: z.boolean().optional(),
  risk: Risk.optional(),
});
export type FileChange = z.infer<typeof FileChange>;

/** `GET /v1/tasks/{id}/changes` */
export const Changes = z.object({
  revision: z.number().int(),
  baseTree: Oid,
  headTree: Oid,
  /** In the order in which they are best read. */
  files: z.array(FileChange),
});
export type Changes = z.infer<typeof Changes>;

/** `POST /v1/tasks/{id}/blobs`: contents by name, for reviews of many files. */
export const ReadBlobs = z.object({ oids: z.array(Oid).max(5000) });
export type ReadBlobs = z.infer<typeof ReadBlobs>;
/** As many as one answer carries, in the order asked for: the first of them at least, unless that alone is too large. */
export const BlobsRead = z.object({ blobs: z.array(z.object({ oid: Oid, content: z.base64() })) });
export type BlobsRead = z.infer<typeof BlobsRead>;

/** What a person thinks of a unit. `pending`: nothing yet, or nothing any more. */
export const UnitState = z.enum(['pending', 'accepted', 'rejected']);
export type UnitState = z.infer<typeof UnitState>;

/** A decision about units of one path; `all` are those that the path has in the revision of the request. */
export const Decision = z.object({
  path: RepoPath,
  hashes: z.union([z.literal('all'), z.array(UnitHash).max(100_000)]),
  state: UnitState,
});
export type Decision = z.infer<typeof Decision>;

/** The same as it was recorded. */
export const Decided = Decision.extend({ path: z.string(), hashes: z.array(UnitHash) });
export type Decided = z.infer<typeof Decided>;

/**
 * What is decided of one path, by the identity of its units: so it outlives revisions, is dropped only where that very unit changes,
 * and is there again when the unit is.
 */
export const FileDecisions = z.object({
  path: z.string(),
  accepted: z.array(UnitHash),
  rejected: z.array(UnitHash),
});
export type FileDecisions = z.infer<typeof FileDecisions>;

/**
 * `PATCH /v1/tasks/{id}/review`: these decisions, and the others as they are. Refused whole where a unit is not there, and with
 * `revision_changed` where the proposal is at another revision than the one named: `all` is what the person saw there, so it needs one.
 */
export const PatchReview = z
  .object({ revision: z.number().int().optional(), decisions: z.array(Decision).max(20_000) })
  .refine(
    ({ revision, decisions }) => revision !== undefined || decisions.every(({ hashes }) => hashes !== 'all'),
    { path: ['revision'], message: 'is needed where "all" is decided' },
  );
export type PatchReview = z.infer<typeof PatchReview>;

/** What the person accepted of one path: the whole file (mode and all), or hunks by hash. What is not named is not accepted. */
export const AcceptedFile = z.object({
  path: RepoPath,
  hunks: z.union([z.literal('all'), z.array(UnitHash).max(100_000)]),
});
export type AcceptedFile = z.infer<typeof AcceptedFile>;

/** `PUT /v1/tasks/{id}/review`: the complete decision, replacing the one before. What is not named is not decided. */
export const PutReview = z.object({
  revision: z.number().int(),
  accepted: z.array(AcceptedFile).max(20_000),
});
export type PutReview = z.infer<typeof PutReview>;

/** The answer to both: the one tree that may be pushed. */
export const ReviewRecorded = z.object({
  revision: z.number().int(),
  acceptedTree: Oid,
  /** Of the event that recorded it: a state with a smaller seq does not know of it yet. */
  seq: z.number().int(),
});
export type ReviewRecorded = z.infer<typeof ReviewRecorded>;

/**
 * `PUT /v1/tasks/{id}/proposal/files`: what the person made of a proposed file, or `null` to take it out of the proposal altogether. It is the next revision; refused
 * with `revision_changed` where the proposal has gone on, with `conflict` while the agent works.
 */
export const EditProposal = z.object({
  revision: z.number().int(),
  path: RepoPath,
  /** Null: as it is in the base. */
  content: z.base64().nullable(),
});
export type EditProposal = z.infer<typeof EditProposal>;

export const ProposalEdited = z.object({ revision: z.number().int(), headTree: Oid, seq: z.number().int() });
export type ProposalEdited = z.infer<typeof ProposalEdited>;
