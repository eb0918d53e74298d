import { createHash } from 'node:crypto';
import * as z from 'zod';
import { LESSONS_FILE, withLesson } from '../../handbook/lessons.ts';
import { type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import { encodeText, readTextFile, type TextFile, UTF8 } from './text-file.ts';
import { defineTool, ToolProblem } from './tool.ts';

/** UTF-16 units of each part: a lesson that needs more is several. */
const MOST = 400;

export const lesson = defineTool({
  name: 'lesson',
  description: `Adds one bullet to ${LESSONS_FILE}, which whoever works here next reads first: a trap of this repository or its tools that cost you real time and would cost them the same. Not what this task was about, nor what its files say already.`,
  input: z.object({
    what: z.string().trim().min(1).max(MOST).describe('What happens.'),
    why: z.string().trim().min(1).max(MOST).describe('Why it does.'),
    do: z.string().trim().min(1).max(MOST).describe('What to do instead.'),
  }),
  writes: true,
  async run(learned, { sandbox, memo, saw }) {
    // What it comes to is settled before it is written, so that a call that is run again neither writes nor answers otherwise.
    const plan = await memo('lesson', async () => {
      const file = await fileIn(sandbox);
      const made = withLesson(file?.text, learned);
      const before = file?.sha256 ?? null;
      if (!('text' in made)) return { before, said: saidOf(made) };
      return { before, after: sha256(bytesOf(made.text, file)), said: saidOf(made) };
    });
    if (plan.after === undefined) return plan.said;
    const now = await fileIn(sandbox);
    if (now?.sha256 !== plan.after) {
      const made = withLesson(now?.text, learned);
      // Somebody else's change since is refused by what is expected to be there.
      const data = 'text' in made ? bytesOf(made.text, now) : Buffer.alloc(0);
      await sandbox.writeFile({ path: LESSONS_FILE, data, expected: plan.before });
    }
    saw(LESSONS_FILE, plan.after);
    return plan.said;
  },
});

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** Written as the file is. */
function bytesOf(text: string, file: TextFile | undefined): Buffer {
  const format = file?.format ?? UTF8;
  const data = encodeText(text, format);
  if (data !== undefined) return data;
  throw new ToolProblem(
    `Encoding: ${LESSONS_FILE} is written in ${format.encoding}, which has not all characters of the lesson. Use others.`,
  );
}

async function fileIn(sandbox: Sandbox) {
  try {
    return await readTextFile(sandbox, LESSONS_FILE);
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function saidOf(made: ReturnType<typeof withLesson>): string {
  switch (made.kind) {
    case 'added':
      return `Added to ${LESSONS_FILE}:\n${made.bullet}`;
    case 'strengthened':
      return `${LESSONS_FILE} had this lesson, in fewer words. It says now:\n${made.bullet}`;
    case 'known':
      return `${LESSONS_FILE} has this lesson already, so nothing was added:\n- ${made.before}`;
    case 'alike':
      return `${LESSONS_FILE} has a lesson much like this one, so nothing was added. If yours says more, edit that bullet:\n- ${made.before}`;
  }
}
