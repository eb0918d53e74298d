import * as z from 'zod';
import { EnvName } from './repository-config.ts';

/** Secrets of a person, kept by the relay for the sandboxes of repositories that they allowed them for. Values only ever go in. */

/** The name of a secret, which is that of the environment variable that it becomes. */
export const SecretName = EnvName;

/** A repository as Git names it: an https or ssh address, or on the relay's machine a `file://` one. */
const Repository = z.string().trim().min(1).max(4096);

/** Values that are shorter cannot be told from other text, and are not struck out of what commands print. */
export const SHORTEST_MASKED = 4;

/** `PUT /v1/secrets/{name}`: makes it, or replaces its value and repositories. */
export const PutSecret = z.object({
  value: z
    .string()
    .min(1)
    .max(64 * 1024)
    .regex(/^[^\0]*$/, 'must have no NUL'),
  repositories: z.array(Repository).min(1).max(100),
});
export type PutSecret = z.infer<typeof PutSecret>;

/** What is told of a secret. */
export const SecretSummary = z.object({
  name: z.string(),
  /** In the one form that all addresses of a repository come down to. */
  repositories: z.array(z.string()),
  createdAt: z.number().int(),
  updatedAt: z.number().int(),
  /** When it was last placed into a sandbox. */
  usedAt: z.number().int().optional(),
});
export type SecretSummary = z.infer<typeof SecretSummary>;

export const SecretList = z.object({ secrets: z.array(SecretSummary) });
export type SecretList = z.infer<typeof SecretList>;

/** `masked` is false where the value is too short to be struck out of what commands print. */
export const SecretStored = SecretSummary.extend({ masked: z.boolean() });
export type SecretStored = z.infer<typeof SecretStored>;
