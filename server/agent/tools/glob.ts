import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { defineTool } from './tool.ts';

export const glob = defineTool({
  name: 'glob',
  description: `Finds files by a glob pattern such as "src/**/*.ts", newest first. Ignored files are left out. Returns ${LIMITS.glob} paths unless limit says otherwise.`,
  input: z.object({
    pattern: z.string().min(1),
    path: z.string().min(1).optional().describe('The folder to look in; the workspace when left out.'),
    limit: z.number().int().min(1).max(LIMITS.globMost).optional(),
  }),
  writes: false,
  async run({ pattern, path, limit = LIMITS.glob }, { sandbox, signal }) {
    const { matches, truncated } = await sandbox.glob({ pattern, limit, signal, ...(path ? { path } : {}) });
    if (matches.length === 0) return `No file matches ${pattern}.`;
    const note = truncated ? `\n[only the newest ${matches.length}; narrow the pattern or raise limit]` : '';
    return matches.join('\n') + note;
  },
});
