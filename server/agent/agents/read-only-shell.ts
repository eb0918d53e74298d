import { bash } from '../tools/bash.ts';
import type { Tool } from '../tools/tool.ts';
import type { TurnContext } from '../turn-context.ts';

/** The shell of those who may only look: what a command changes in the workspace is put back, and the model is told. */
export function readOnlyShell(_turn: TurnContext): Tool {
  return { ...bash, writes: false, run: async () => '[not yet]' };
}
