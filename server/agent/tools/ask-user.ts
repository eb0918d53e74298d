import * as z from 'zod';
import { ASKED, defineTool, ToolProblem } from './tool.ts';

/** More than these nobody reads. */
const MOST_OPTIONS = 8;

export const askUser = defineTool({
  name: 'ask_user',
  description:
    'Asks the person and waits for the answer, for days if need be: only for what you cannot find out and where a wrong guess would waste the work. Offer options where you can, the one you recommend first.',
  input: z.object({
    question: z.string().trim().min(1).max(4000),
    options: z
      .array(
        z.object({ label: z.string().trim().min(1).max(200), description: z.string().max(1000).optional() }),
      )
      .max(MOST_OPTIONS)
      .optional(),
    freeText: z
      .boolean()
      .optional()
      .describe('Whether they may answer in their own words; true when left out.'),
  }),
  writes: false,
  async run({ question, options = [], freeText = true }, { ask }) {
    if (options.length === 0 && !freeText) {
      throw new ToolProblem('The question has no options and allows no free text, so it cannot be answered.');
    }
    if (new Set(options.map(({ label }) => label)).size < options.length) {
      throw new ToolProblem('Two options have the same label; give each its own.');
    }
    await ask({ question, options, freeText });
    return ASKED;
  },
});
