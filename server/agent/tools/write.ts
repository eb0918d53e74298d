import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { defineTool } from './tool.ts';

export const write = defineTool({
  name: 'write',
  description:
    'Writes a whole text file, replacing what was there. Creates folders on the way. Prefer edit for changing a part.',
  input: z.object({
    path: z.string().min(1).describe('Relative to the workspace.'),
    content: z.string().max(LIMITS.fileBytes),
  }),
  writes: true,
  async run({ path, content }, { sandbox }) {
    // Writing the same content twice is writing it once, so a repeated call needs no memory of the first.
    const data = Buffer.from(content);
    await sandbox.writeFile({ path, data });
    const lines = content === '' ? 0 : content.split('\n').length - (content.endsWith('\n') ? 1 : 0);
    return `Wrote ${path}: ${lines} lines, ${data.byteLength} bytes.`;
  },
});
