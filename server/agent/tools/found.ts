import * as z from 'zod';
import { LIMITS } from './limits.ts';

/** Which part of what is found is asked for. @param what is counted, @param most of it in one answer */
export const part = (what: string, most: number) => ({
  limit: z.number().int().min(1).max(most).optional(),
  offset: z
    .number()
    .int()
    .min(0)
    .max(LIMITS.searchDepth - 1)
    .optional()
    .describe(`How many ${what} to skip.`),
});

/**
 * What a search found, line by line, as much as a result takes; and how to get the rest of it.
 * @param found in order, from the first on; `offset` of them were asked to be skipped
 */
export function foundText(
  { matches, truncated }: { matches: readonly string[]; truncated: boolean },
  { offset, limit, most }: { offset: number; limit: number; most: number },
): string {
  const lines: string[] = [];
  let bytes = 0;
  for (const line of matches.slice(offset, offset + limit)) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > LIMITS.searchBytes && lines.length > 0) break;
    lines.push(line);
  }
  const next = offset + lines.length;
  if (!truncated && next >= matches.length) return lines.join('\n');
  const rest =
    next >= LIMITS.searchDepth
      ? 'narrow the search for the rest'
      : `go on with offset ${next}, or narrow the search`;
  const higher = lines.length === limit && limit < most ? ', or raise limit' : '';
  return `${lines.join('\n')}\n[there is more: ${rest}${higher}]`;
}
