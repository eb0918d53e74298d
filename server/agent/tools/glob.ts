import * as z from 'zod';
import { foundText, part } from './found.ts';
import { LIMITS } from './limits.ts';
import { defineTool, ToolProblem } from './tool.ts';

export const glob = defineTool({
  name: 'glob',
  description: `Finds files by a glob pattern such as "src/**/*.ts", newest first. Ignored files are left out. Returns ${LIMITS.glob} paths unless limit says otherwise.`,
  input: z.object({
    pattern: z.string().min(1),
    path: z.string().min(1).optional().describe('The folder to look in.'),
    ...part('paths', LIMITS.globMost),
  }),
  writes: false,
  async run({ pattern, path, limit = LIMITS.glob, offset = 0 }, { sandbox, signal }) {
    const found = await sandbox.glob({
      pattern,
      limit: Math.min(offset + limit, LIMITS.searchDepth),
      signal,
      ...(path ? { path } : {}),
    });
    const { length } = found.matches;
    if (length === 0) return `No file matches ${pattern}.`;
    if (offset >= length) throw new ToolProblem(`Only ${length} files match ${pattern}.`);
    return foundText(found, { offset, limit, most: LIMITS.globMost });
  },
});
