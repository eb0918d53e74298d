import * as z from 'zod';

/** Why a call changes what it changes: shown beside the hunks that came of it. */
export const why = z
  .string()
  .trim()
  .max(300)
  .optional()
  .describe('Why, in one short line: the person reads it beside this change.');
