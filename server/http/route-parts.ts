import * as z from 'zod';
import { ErrorBody } from '../protocol/errors.ts';

/** What the shapes of routes are put together from. */

export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

export const body = <Schema extends z.ZodType>(schema: Schema) => ({
  body: { required: true, content: { 'application/json': { schema } } },
});

export const errors = { default: json(ErrorBody, 'What went wrong, why, and what to do next.') };

/** It needs a token. */
export const secured = { security: [{ token: [] }] };

export const taskId = z.object({ id: z.uuid() });

/** The person's own token for GitHub: it comes in this header, and never anywhere else. */
export const githubToken = z.object({ 'x-github-token': z.string().min(1).max(1024).optional() });
