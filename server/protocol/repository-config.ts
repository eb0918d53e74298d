import * as z from 'zod';

/** Where a repository says what it wants of Handoff, from its root. */
export const REPOSITORY_CONFIG = '.handoff/config.json';

const MOST_CHECKS = 10;
const DEFAULT_TIMEOUT_MS = 10 * 60_000;
const MOST_TIMEOUT_MS = 60 * 60_000;

/** A command that says by its exit code whether what a turn left is sound. */
export const CheckConfig = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\n]*$/, 'must be one line'),
  /** For bash, in the workspace. */
  command: z.string().trim().min(1).max(10_000),
  /** Milliseconds. */
  timeoutMs: z.number().int().min(1).max(MOST_TIMEOUT_MS).default(DEFAULT_TIMEOUT_MS),
});
export type CheckConfig = z.infer<typeof CheckConfig>;

/**
 * The content of `.handoff/config.json`. What it knows must be right; keys that it does not know are those of another version, and
 * mean nothing here. It may ask for less than the person and the relay's owner allow, never for more.
 */
export const RepositoryConfig = z.object({
  checks: z
    .array(CheckConfig)
    .max(MOST_CHECKS)
    .refine((checks) => new Set(checks.map(({ name }) => name)).size === checks.length, {
      error: 'two checks have the same name',
    })
    .default([]),
});
export type RepositoryConfig = z.infer<typeof RepositoryConfig>;

export type RepositoryConfigRead = { ok: true; config: RepositoryConfig } | { ok: false; problem: string };

/** Reads the file's text. `problem` says what is wrong with it, for a person. */
export function readRepositoryConfig(text: string): RepositoryConfigRead {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return {
      ok: false,
      problem: `It is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const parsed = RepositoryConfig.safeParse(json);
  return parsed.success
    ? { ok: true, config: parsed.data }
    : { ok: false, problem: z.prettifyError(parsed.error) };
}
