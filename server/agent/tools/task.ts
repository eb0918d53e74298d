import * as z from 'zod';
import { defineTool } from './tool.ts';

export const task = defineTool({
  name: 'task',
  description:
    'Has a subagent explore the repository and report. It can read, glob and grep, cannot change anything, and knows nothing of this conversation: say all that it needs. Several calls in one answer run at once.',
  input: z.object({
    description: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .describe('What it is about, in a few words, for the person.'),
    prompt: z.string().trim().min(1).max(20_000),
  }),
  writes: false,
  run: (order, { delegate }) => delegate({ role: 'explorer', ...order }),
});
