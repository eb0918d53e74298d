import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { readTextFile } from './text-file.ts';
import { defineTool } from './tool.ts';

export const read = defineTool({
  name: 'read',
  description: `Reads a text file. Lines come numbered from 1 as "N: text". Returns at most ${LIMITS.readLines} lines or ${LIMITS.readBytes} bytes; use offset to go on.`,
  input: z.object({
    path: z.string().min(1).describe('Relative to the workspace.'),
    offset: z.number().int().min(1).optional().describe('The first line to read; 1 when left out.'),
    limit: z.number().int().min(1).max(LIMITS.readLines).optional().describe('How many lines.'),
  }),
  writes: false,
  async run({ path, offset = 1, limit = LIMITS.readLines }, { sandbox }) {
    const { text } = await readTextFile(sandbox, path);
    if (text === '') return `${path} is empty.`;
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    if (offset > lines.length)
      return `${path} has ${lines.length} lines; there is nothing from line ${offset} on.`;

    const shown: string[] = [];
    let bytes = 0;
    for (const line of lines.slice(offset - 1, offset - 1 + limit)) {
      const numbered = `${offset + shown.length}: ${cutLine(line)}`;
      bytes += Buffer.byteLength(numbered) + 1;
      if (bytes > LIMITS.readBytes && shown.length > 0) break;
      shown.push(numbered);
    }
    const next = offset + shown.length;
    if (next > lines.length) return shown.join('\n');
    return `${shown.join('\n')}\n[${path} has ${lines.length} lines; go on with offset ${next}]`;
  },
});

function cutLine(line: string): string {
  const withoutReturn = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (withoutReturn.length <= LIMITS.readLineLength) return withoutReturn;
  const rest = withoutReturn.length - LIMITS.readLineLength;
  return `${withoutReturn.slice(0, LIMITS.readLineLength).toWellFormed()} [${rest} more characters in this line]`;
}
