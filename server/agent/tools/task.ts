import * as z from 'zod';
import type { Role } from '../agent.ts';
import { defineTool, type Tool } from './tool.ts';

const input = z.object({
  role: z.string().trim().min(1).max(100).default('explorer').describe('explorer when left out.'),
  description: z.string().trim().min(1).max(100).describe('A few words, for the person.'),
  prompt: z.string().trim().min(1).max(20_000),
  keepOnFailure: z.boolean().optional().describe('Keeps what it changed also where it fails.'),
  limits: z
    .object({
      modelCalls: z.number().int().min(1).optional(),
      tokens: z.number().int().min(1).optional(),
      seconds: z.number().int().min(1).optional(),
    })
    .optional()
    .describe('Where it is to be quick.'),
});

/** The call that has a subagent work. */
export const TASK = 'task';

/** How an agent has others work for it. @param roles those that it may choose from; what the model reads of them stays the same in a turn */
export function taskTool(roles: readonly Role[]): Tool {
  const list = roles.map(({ name, description }) => `\n- ${name}: ${description}`).join('');
  const kindOf = (name: string) => roles.find((role) => role.name === name)?.kind;
  return defineTool({
    name: TASK,
    description: `Has a subagent work, and answers its report. It knows nothing of this conversation: say all that it needs. Several calls in one answer run at once. The roles:${list}`,
    input,
    // A reviewer changes nothing, but reads what was changed: that has to be captured before.
    writes: ({ role }) => kindOf(role) === 'executor' || kindOf(role) === 'reviewer',
    isParallel: true,
    run: (order, { delegate }) => delegate(order),
  });
}
