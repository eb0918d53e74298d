import { AppError, toFailure } from '../errors.ts';
import { inOurWords } from './prepare-step.ts';

/**
 * The workspace may hold what somebody changed who may only look, and nobody could put it back: whoever works on there would take it for
 * the agent's own. No tool's failure and no subagent's, but the turn's.
 */
export class WorkspaceSpoilt extends AppError {}

export function spoilt(cause: unknown): WorkspaceSpoilt {
  const { code, message } = toFailure(inOurWords(cause));
  return new WorkspaceSpoilt(
    code,
    `An agent that may only look has run a command, and the workspace could not be put back as it was before. ${message}`,
    {
      cause,
      nextAction: 'Look at the changes: what the command wrote may be among them. Send a message to go on.',
    },
  );
}
