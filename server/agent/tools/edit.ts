import { createHash } from 'node:crypto';
import * as z from 'zod';
import { readTextFile, type TextFile } from './text-file.ts';
import { defineTool, ToolProblem } from './tool.ts';
import { why } from './why.ts';

export const edit = defineTool({
  name: 'edit',
  description:
    'Replaces oldText by newText in a file, literally. oldText must occur exactly once, unless replaceAll is true; give enough surrounding lines to make it so. Do not include the line numbers that read shows.',
  input: z.object({
    path: z.string().min(1).describe('Relative to the workspace.'),
    oldText: z.string().min(1),
    newText: z.string(),
    replaceAll: z.boolean().optional(),
    why,
  }),
  writes: true,
  async run({ path, oldText, newText, replaceAll = false }, { sandbox, memo }) {
    // What the edit makes is settled before it is made: if the relay dies in between, the repeated call finds the
    // file either as it was, and writes, or as it should be, and is done.
    const plan = await memo('edit', async () => {
      const file = await readTextFile(sandbox, path);
      const { text, count } = replace(file, path, oldText, newText, replaceAll);
      return { before: file.sha256, after: sha256(text), count };
    });
    const now = await readTextFile(sandbox, path);
    if (now.sha256 !== plan.after) {
      const { text } = replace(now, path, oldText, newText, replaceAll);
      await sandbox.writeFile({ path, data: Buffer.from(text), expected: plan.before });
    }
    return plan.count === 1 ? `Edited ${path}.` : `Edited ${path}: ${plan.count} places.`;
  },
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The edited text and how many places changed, or a problem that tells the model how to get it right. */
function replace(
  { text }: TextFile,
  path: string,
  oldText: string,
  newText: string,
  replaceAll: boolean,
): { text: string; count: number } {
  if (oldText === newText) {
    throw new ToolProblem(`NoChange: oldText and newText are the same, so nothing would change in ${path}.`);
  }
  const [from, to] = withLineEndingsOf(text, oldText, newText);
  const parts = text.split(from);
  const count = parts.length - 1;
  if (count === 0) {
    throw new ToolProblem(
      `NoMatch: oldText was not found in ${path}. Read the file again and copy the text exactly, white space included.`,
    );
  }
  if (count > 1 && !replaceAll) {
    const lines = lineNumbers(text, from).join(', ');
    throw new ToolProblem(
      `MultipleMatches: oldText occurs ${count} times in ${path}, at lines ${lines}. Add surrounding lines to make it unique, or set replaceAll to true.`,
    );
  }
  return { text: parts.join(to), count };
}

/** Models write \n; in a file whose lines end with \r\n their text is meant with that ending. */
function withLineEndingsOf(text: string, oldText: string, newText: string): [string, string] {
  const isCrlf = !text.includes(oldText) && text.includes('\r\n');
  if (!isCrlf) return [oldText, newText];
  const convert = (value: string): string => value.replace(/\r?\n/g, '\r\n');
  return [convert(oldText), convert(newText)];
}

const LINES_NAMED = 10;

function lineNumbers(text: string, needle: string): number[] {
  const lines: number[] = [];
  for (
    let at = text.indexOf(needle);
    at !== -1 && lines.length < LINES_NAMED;
    at = text.indexOf(needle, at + needle.length)
  ) {
    lines.push(text.slice(0, at).split('\n').length);
  }
  return lines;
}
