import { createHash } from 'node:crypto';
import * as z from 'zod';
import { SandboxError } from '../../sandbox/sandbox.ts';
import { requireKnown, stale, whyNotWritten } from './knowing.ts';
import { LIMITS } from './limits.ts';
import { type Replacement, replaceIn } from './replace.ts';
import { encodeText, readTextFile } from './text-file.ts';
import { defineTool, type ToolContext, ToolProblem } from './tool.ts';
import { why } from './why.ts';

const shape = {
  oldText: z.string().min(1),
  newText: z.string(),
  replaceAll: z.boolean().optional(),
};

export const edit = defineTool({
  name: 'edit',
  description:
    'Replaces oldText by newText in a file that you have read, literally. oldText must occur exactly once, unless replaceAll is true: give enough surrounding lines, without the line numbers that read shows. For several changes of a file give edits instead: all are made or none, each is looked for in the file as it is before the call. Line endings and encoding stay.',
  input: z
    .object({
      path: z.string().min(1).describe('Relative to the workspace.'),
      oldText: shape.oldText.optional(),
      newText: shape.newText.optional(),
      replaceAll: shape.replaceAll,
      edits: z
        .array(z.object(shape))
        .min(1)
        .max(LIMITS.edits)
        .optional()
        .describe('Instead of oldText and newText.'),
      why,
    })
    .refine(
      ({ oldText, newText, edits }) =>
        edits === undefined
          ? oldText !== undefined && newText !== undefined
          : oldText === undefined && newText === undefined,
      { message: 'give either oldText and newText, or edits' },
    ),
  writes: true,
  async run({ path, oldText = '', newText = '', replaceAll, edits }, context) {
    const { sandbox, memo, saw, rewrote } = context;
    const replacements = edits ?? [{ oldText, newText, replaceAll }];
    let made: Made | undefined;
    // What the edit makes is settled before it is made: if the relay dies in between, the repeated call finds the
    // file either as it was, and writes, or as it should be, and is done.
    const plan = await memo('edit', async () => {
      made = await make(path, replacements, context);
      return { before: made.before, after: made.after, count: made.count };
    });
    made ??= await remake(path, replacements, plan, context);
    if (made) {
      const { data, before: expected } = made;
      await sandbox.writeFile({ path, data, expected }).catch((error: unknown) => {
        throw whyNotWritten(path, error);
      });
      rewrote(path, made.old, data);
    }
    saw(path, plan.after);
    return plan.count === 1 ? `Edited ${path}.` : `Edited ${path}: ${plan.count} places.`;
  },
});

interface Made {
  old: Uint8Array;
  data: Buffer;
  /** SHA-256 of what was there, and of what is to be there. */
  before: string;
  after: string;
  count: number;
}

async function make(
  path: string,
  replacements: readonly Replacement[],
  { sandbox, known }: ToolContext,
): Promise<Made> {
  const {
    text,
    format,
    data: old,
    sha256: before,
  } = await readTextFile(sandbox, path).catch((error: unknown) => {
    const isGone = error instanceof SandboxError && error.code === 'not-found';
    throw isGone && typeof known(path) === 'string' ? stale(path, 'removed') : error;
  });
  requireKnown({ known }, path, before);
  const { text: edited, count } = replaceIn(path, text, replacements);
  const data = encodeText(edited, format);
  if (data === undefined) {
    throw new ToolProblem(
      `Encoding: ${path} is written in ${format.encoding}, which has not all characters of newText. Use others, or convert the file first with bash (iconv).`,
    );
  }
  return { old, data, before, after: createHash('sha256').update(data).digest('hex'), count };
}

/** Of a call that is run again: what is left to do of it, undefined where it is done. */
async function remake(
  path: string,
  replacements: readonly Replacement[],
  plan: Omit<Made, 'old' | 'data'>,
  context: ToolContext,
): Promise<Made | undefined> {
  const { sha256 } = await context.sandbox.readFile(path, { offset: 0, length: 0 });
  if (sha256 === plan.after) return undefined;
  if (sha256 !== plan.before) throw stale(path, 'changed');
  return make(path, replacements, context);
}
