import * as z from 'zod';
import { execIdOf, parseHandle } from './handle.ts';
import { isInBackground } from './read-handle.ts';
import { defineTool, ToolProblem } from './tool.ts';

export const stopCommand = defineTool({
  name: 'stop_command',
  description: 'Stops a command that bash runs in the background, with all that it started.',
  input: z.object({
    handle: z.string().min(1).describe('output://…, as bash named it.'),
  }),
  writes: true,
  async run({ handle }, { sandbox, earlier }) {
    const callId = parseHandle(handle)?.callId ?? handle;
    const call = await earlier(callId);
    if (call?.name !== 'bash' || !isInBackground(call.input)) {
      throw new ToolProblem(
        `${handle} is no command in the background. Give the handle that bash answered with, output://….`,
      );
    }
    await sandbox.killAll(execIdOf(callId, true));
    return 'It does not run any more.';
  },
});
