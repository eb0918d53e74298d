import * as z from 'zod';
import { defineTool } from './tool.ts';

export const describeChanges = defineTool({
  name: 'describe_changes',
  description:
    'Proposes title and body of the pull request that the person opens from your changes; they edit both first. The last call counts.',
  input: z.object({
    title: z
      .string()
      .trim()
      .min(1)
      .max(256)
      // It goes to GitHub and into terminals as it is: no cursor is moved, and no word shown in another order than it is read.
      .regex(
        /^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u,
        'must be one line, without control characters',
      )
      .describe('In the imperative, as the repository words its commits.'),
    body: z.string().trim().max(60_000).describe('Markdown: what changed, why, and how it was checked.'),
  }),
  writes: false,
  async run({ title, body }, { describe }) {
    await describe(title, body);
    return 'The person will see it when they open the pull request.';
  },
});
