import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { defineTool } from './tool.ts';

export const grep = defineTool({
  name: 'grep',
  description: `Searches file contents by a regular expression (ripgrep's syntax). Answers "path:line: text". Ignored files are left out. Returns ${LIMITS.grep} lines unless limit says otherwise.`,
  input: z.object({
    pattern: z.string().min(1),
    path: z.string().min(1).optional().describe('The file or folder to search; the workspace when left out.'),
    glob: z.string().min(1).optional().describe('Only files that match, such as "*.ts".'),
    ignoreCase: z.boolean().optional(),
    limit: z.number().int().min(1).max(LIMITS.grepMost).optional(),
  }),
  writes: false,
  async run({ pattern, path, glob, ignoreCase, limit = LIMITS.grep }, { sandbox, signal }) {
    const { matches, truncated } = await sandbox.grep({
      pattern,
      limit,
      signal,
      ...(path ? { path } : {}),
      ...(glob ? { glob } : {}),
      ...(ignoreCase ? { ignoreCase } : {}),
    });
    if (matches.length === 0) return `Nothing matches ${pattern}.`;
    const lines = matches.map((match) => `${match.path}:${match.line}: ${cut(match.text)}`);
    const note = truncated ? `\n[only the first ${matches.length}; narrow the search or raise limit]` : '';
    return lines.join('\n') + note;
  },
});

const cut = (text: string): string =>
  text.length <= LIMITS.grepLineLength
    ? text
    : `${text.slice(0, LIMITS.grepLineLength).toWellFormed()} [${text.length - LIMITS.grepLineLength} more characters]`;
