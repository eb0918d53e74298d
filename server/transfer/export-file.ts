import * as z from 'zod';
import { Selection } from '../protocol/commands.ts';
import { Oid, SourceSpec } from '../protocol/source.ts';
import { isTaskRef } from '../repo/transfer.ts';
import { LIMITS } from './limits.ts';

/**
 * A whole task as one file: JSON lines, compressed by gzip. The task first, then its turns, messages and events, each in order, then
 * the images that models were shown, its repository's names and, in pieces, the pack of its objects; a last line says that nothing is missing. There is no
 * credential in it: a source's URL may have none, and tokens are kept nowhere.
 */
export const FORMAT = 'handoff-task';
export const FORMAT_VERSION = 1;

/** Bytes of the pack in one line. */
export const PIECE_BYTES = 3 * 2 ** 18;

const Text = z
  .string()
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be text, without NUL');
/** As a relay makes them: what becomes a key, a file's name or a command's. */
const Id = z.string().regex(/^[\w.:-]{1,200}$/, 'must be an id');
const Milliseconds = z.number().int().min(0);

/** A line as `JSON.parse` gives it. Unknown fields are left out. */
export const FileLine = z.discriminatedUnion('line', [
  z.object({
    line: z.literal('task'),
    format: z.literal(FORMAT),
    version: z.literal(FORMAT_VERSION),
    /** The relay's version. */
    exportedBy: z.string(),
    taskId: z.uuid(),
    createdAt: Milliseconds,
    /** Of its last event. */
    seq: z.number().int().min(1).max(LIMITS.seq),
    archived: z.boolean(),
    /** With the uncommitted files that the task began with. */
    source: SourceSpec,
    model: z.string().max(200).optional(),
    prepared: z.object({ baseCommit: Oid, baseTree: Oid }).nullable(),
  }),
  z.object({ line: z.literal('turn'), turnId: z.uuid(), createdAt: Milliseconds }),
  z.object({
    line: z.literal('message'),
    messageId: Id,
    turnId: z.uuid(),
    text: Text,
    selection: z.array(Selection),
    /** The model call that it was given to. */
    deliveredTo: Text.nullable(),
  }),
  z.object({
    line: z.literal('event'),
    seq: z.number().int().min(1).max(LIMITS.seq),
    key: Text.min(1).max(600),
    at: Milliseconds,
    type: z.string(),
    body: z.record(z.string(), z.unknown()),
  }),
  /** A part of what a call showed the model, in base64; parts of the same one follow each other. */
  z.object({ line: z.literal('media'), key: Text.min(1).max(600), data: z.base64() }),
  z.object({
    line: z.literal('repository'),
    refs: z.record(z.string().refine(isTaskRef, 'must be a ref of a task'), Oid),
    shallow: z.array(Oid),
  }),
  z.object({ line: z.literal('pack'), data: z.base64() }),
  z.object({ line: z.literal('end') }),
]);
export type FileLine = z.output<typeof FileLine>;
export type LineOf<Kind extends FileLine['line']> = Extract<FileLine, { line: Kind }>;
