import * as z from 'zod';
import { openThreadsText, toldThreads } from '../../review/open-threads.ts';
import { defineTool, ToolProblem } from './tool.ts';

export const reply = defineTool({
  name: 'reply',
  description:
    'Answers the person in the thread of one of their comments, beside the lines it is about. Say shortly what you did, or why not. Set resolve once nothing of it is open.',
  input: z.object({
    threadId: z.string().min(1).max(300).describe('As it stands in brackets before the comment.'),
    text: z.string().trim().min(1).max(20_000),
    resolve: z.boolean().optional(),
  }),
  writes: false,
  async run({ threadId, text, resolve = false }, { threads, reply: say }) {
    const known = await threads();
    if (!toldThreads(known).some((thread) => thread.threadId === threadId)) {
      throw new ToolProblem(`There is no thread ${threadId}. ${openThreadsText(known)}`);
    }
    await say(threadId, text, resolve);
    return resolve ? 'Answered, and the thread is resolved.' : 'Answered.';
  },
});
