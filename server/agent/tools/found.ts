import { LIMITS } from './limits.ts';

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
