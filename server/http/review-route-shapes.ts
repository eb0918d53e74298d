import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import {
  BlobsRead,
  Changes,
  EditProposal,
  PatchReview,
  ProposalEdited,
  PutReview,
  ReadBlobs,
  ReviewRecorded,
} from '../protocol/review.ts';
import { Oid } from '../protocol/source.ts';
import { body, errors, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about reviewing. */

export const getChanges = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/changes',
  summary: 'What differs between base and a tree (the proposal unless named), by file and hunk.',
  request: { params: taskId, query: z.object({ tree: Oid.optional() }) },
  responses: { 200: json(Changes, 'The proposal at its latest revision, or that tree.'), ...errors },
});

export const getBlob = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/blobs/{oid}',
  summary: 'A file’s content, byte for byte.',
  request: { params: taskId.extend({ oid: Oid }) },
  responses: {
    200: { description: 'The content.', content: { 'application/octet-stream': { schema: z.unknown() } } },
    ...errors,
  },
});

export const readBlobs = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/blobs',
  summary: 'Many files’ contents at once, as far as one answer carries them.',
  request: { params: taskId, ...body(ReadBlobs) },
  responses: { 200: json(BlobsRead, 'The contents.'), ...errors },
});

export const getPatch = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/patch',
  summary: 'The difference from base to a tree (the proposal unless named), as git apply takes it.',
  request: { params: taskId, query: z.object({ tree: Oid.optional() }) },
  responses: {
    200: { description: 'A binary-safe patch.', content: { 'text/x-diff': { schema: z.string() } } },
    ...errors,
  },
});

export const putReview = createRoute({
  ...secured,
  method: 'put',
  path: '/v1/tasks/{id}/review',
  summary: 'The complete decision on a revision. Answers with the one tree that may be pushed.',
  request: { params: taskId, ...body(PutReview) },
  responses: { 200: json(ReviewRecorded, 'It was recorded.'), ...errors },
});

export const patchReview = createRoute({
  ...secured,
  method: 'patch',
  path: '/v1/tasks/{id}/review',
  summary:
    'Some decisions, by the identity of what they are about. Answers with the one tree that may be pushed.',
  request: { params: taskId, ...body(PatchReview) },
  responses: { 200: json(ReviewRecorded, 'It was recorded.'), ...errors },
});

export const editProposal = createRoute({
  ...secured,
  method: 'put',
  path: '/v1/tasks/{id}/proposal/files',
  summary: 'A proposed file as the person has it: the next revision. Refused while the agent works.',
  request: { params: taskId, ...body(EditProposal) },
  responses: { 200: json(ProposalEdited, 'It is part of the proposal.'), ...errors },
});
