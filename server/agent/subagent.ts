import type { Agent } from './agent.ts';
import { runAgent } from './agent-loop.ts';
import { knownFiles } from './known-files.ts';
import { progressOf } from './progress.ts';
import { explorerInstructions } from './prompt.ts';
import { explorerTools } from './tools/registry.ts';
import { ASKED, ToolProblem } from './tools/tool.ts';
import { createTranscript } from './transcript.ts';
import type { TurnContext } from './turn-context.ts';

/** An explorer that needs more has lost its way; the lead can ask again, and better. */
const MAX_MODEL_CALLS = 60;

/**
 * Runs an explorer for one tool call, with a conversation of its own, and answers with its last words. Goes on where it was: what it
 * has said and done is in the task's log, under the call's id.
 * @throws {ToolProblem} where it came to no end by itself
 */
export async function runSubagent(
  turn: TurnContext,
  callId: string,
  prompt: string,
  model: string | undefined,
): Promise<string | typeof ASKED> {
  const { taskId, turnId } = turn;
  const { workdir } = await turn.sandboxes.open(taskId);
  const earlier = await turn.log.findAll(taskId, `${callId}:`);
  const agent: Agent = {
    id: callId,
    by: { agentId: callId, parentId: turnId },
    isLead: false,
    depth: 1,
    modelRole: 'explorer',
    open: () => turn.sandboxes.open(taskId),
    signal: () => turn.signals.of(turn.claim),
    instructions: explorerInstructions({ workdir }),
    model,
    tools: explorerTools,
    files: knownFiles(earlier, callId),
    maxModelCalls: MAX_MODEL_CALLS,
  };
  const transcript = createTranscript(callId);
  transcript.add({ type: 'message.delivered', turnId, messageId: `${callId}:prompt`, text: prompt });
  transcript.addAll(earlier);
  const end = await runAgent(turn, agent, transcript, progressOf(earlier, turnId, callId));
  if (end.kind === 'completed') return end.text || '[the subagent ended without a word]';
  if (end.kind === 'asked') return ASKED;
  if (end.kind === 'failed') throw new ToolProblem(`The subagent came to no end: ${end.failure.message}`);
  throw new ToolProblem('[stopped by the user]');
}
