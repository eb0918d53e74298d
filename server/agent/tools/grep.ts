import * as z from 'zod';
import type { GrepMatch } from '../../sandbox/sandbox.ts';
import { foundText, part } from './found.ts';
import { LIMITS } from './limits.ts';
import { defineTool, ToolProblem } from './tool.ts';

export const grep = defineTool({
  name: 'grep',
  description: `Searches files by a regular expression (ripgrep's syntax). Answers "path:line: text", ${LIMITS.grep} lines unless limit says otherwise. Ignored files are left out.`,
  input: z.object({
    pattern: z.string().min(1),
    path: z.string().min(1).optional().describe('The file or folder to search.'),
    glob: z.string().min(1).optional().describe('Only files that match, such as "*.ts".'),
    ignoreCase: z.boolean().optional(),
    ...part('lines', LIMITS.grepMost),
  }),
  writes: false,
  async run({ pattern, path, glob, ignoreCase, limit = LIMITS.grep, offset = 0 }, { sandbox, signal }) {
    const found = await sandbox.grep({
      pattern,
      limit: Math.min(offset + limit, LIMITS.searchDepth),
      signal,
      ...(path ? { path } : {}),
      ...(glob ? { glob } : {}),
      ...(ignoreCase ? { ignoreCase } : {}),
    });
    const { length } = found.matches;
    if (length === 0) return `Nothing matches ${pattern}.`;
    if (offset >= length) throw new ToolProblem(`Only ${length} lines match ${pattern}.`);
    const matches = found.matches.map(lineOf);
    return foundText({ ...found, matches }, { offset, limit, most: LIMITS.grepMost });
  },
});

function lineOf({ path, line, text }: GrepMatch): string {
  if (text.length <= LIMITS.grepLineLength) return `${path}:${line}: ${text}`;
  const part = text.slice(0, LIMITS.grepLineLength).toWellFormed();
  return `${path}:${line}: ${part} [the line goes on: read it with offset ${line}, limit 1]`;
}
