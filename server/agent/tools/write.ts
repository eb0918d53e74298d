import * as z from 'zod';
import { type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import { LIMITS } from './limits.ts';
import { defineTool } from './tool.ts';
import { why } from './why.ts';

export const write = defineTool({
  name: 'write',
  description:
    'Writes a whole text file, replacing what was there. Creates folders on the way. Prefer edit for changing a part.',
  input: z.object({
    path: z.string().min(1).describe('Relative to the workspace.'),
    content: z.string().max(LIMITS.fileBytes),
    why,
  }),
  writes: true,
  async run({ path, content }, { sandbox, memo }) {
    const data = Buffer.from(content);
    // What is overwritten is settled before it is: a call that is run again finds the file as it was, and writes; or as it should
    // be, and is done; or changed since by somebody else, and leaves it.
    const { before } = await memo('write', async () => ({ before: await digestOf(sandbox, path) }));
    await sandbox.writeFile({ path, data, expected: before });
    const lines = content === '' ? 0 : content.split('\n').length - (content.endsWith('\n') ? 1 : 0);
    return `Wrote ${path}: ${lines} lines, ${data.byteLength} bytes.`;
  },
});

/** SHA-256 of what is there; null where nothing is. */
async function digestOf(sandbox: Sandbox, path: string): Promise<string | null> {
  try {
    return (await sandbox.readFile(path, { offset: 0, length: 0 })).sha256;
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'not-found') return null;
    throw error;
  }
}
