import { toFailure } from '../../errors.ts';
import type { AgentOutcome, AgentResult, Merged } from '../../protocol/agents.ts';
import type { Failure } from '../../protocol/errors.ts';
import type { EventOf, NewEvent } from '../../protocol/events.ts';
import { SandboxError } from '../../sandbox/sandbox.ts';
import type { Order, Role } from '../agent.ts';
import { inOurWords } from '../prepare-step.ts';
import { ToolProblem } from '../tools/tool.ts';
import { assertHeld, isOutOfHands, type TurnContext, tell } from '../turn-context.ts';
import type { Parent } from './crew.ts';
import { divergedMeanwhile } from './divergence.ts';
import { namedChanges } from './named-paths.ts';
import type { Reported } from './report-input.ts';
import { resultText } from './result-text.ts';
import { Unmerged, type Work } from './unmerged.ts';
import type { Fork, MergedBack } from './workspaces.ts';

/** How a run came to its end, before anything is made of it. */
export interface End {
  outcome: AgentOutcome;
  error?: Failure;
  /** Where it completed. */
  reported?: Reported;
}

export interface Ending {
  callId: string;
  parent: Parent;
  role: Role;
  order: Order;
  fork: Fork | undefined;
  end: End;
}

/**
 * Brings home what an agent made, or leaves all of it out, and tells how it ended: once, also where the relay is killed in between.
 * @returns what its parent reads
 * @throws {ToolProblem} the same, where it came to no good end
 */
export async function conclude(turn: TurnContext, ending: Ending): Promise<string> {
  const { callId, parent, role, order, fork } = ending;
  const { turnId } = turn;
  let { end } = ending;
  let merged: MergedBack | undefined;
  let left: Work | undefined;
  if (end.outcome !== 'completed') await killProcesses(turn, ending);
  try {
    const isKept = end.outcome === 'completed' || order.keepOnFailure === true;
    const signal = await turn.signals.of(turn.claim);
    if (fork)
      merged = await turn.workspaces.mergeBack(turn, callId, parent.agent.id, fork, { isKept, signal });
  } catch (error) {
    if (isOutOfHands(error)) throw error;
    turn.logger.error(
      { taskId: turn.taskId, callId, err: error },
      'the work of a subagent could not be brought home',
    );
    const failure = toFailure(inOurWords(error instanceof Unmerged ? error.cause : error));
    if (end.outcome === 'completed') end = { ...end, outcome: 'failed', error: failure };
    if (error instanceof Unmerged) {
      left = error.work;
      const nextAction = `All that it changed is kept. Bring In Kept Work in VS Code, or npm start -- tasks kept ${turn.taskId}, puts it into the review.`;
      end = { ...end, error: { ...(end.error ?? failure), nextAction } };
    }
  }
  const reported = end.reported ?? (left && NO_REPORT);
  const result = reported && resultOf(reported, fork, merged ?? left);
  const ended: Extract<NewEvent, { type: 'agent.ended' }> = {
    type: 'agent.ended',
    turnId,
    agentId: callId,
    parentId: parent.agent.id,
    outcome: end.outcome,
    ...(result === undefined ? {} : { result }),
    ...(end.error === undefined ? {} : { error: end.error }),
  };
  await tell(turn, { key: `${callId}:agent:ended`, event: ended });
  await lookOnceMore(turn, parent, ended);
  if (role.kind === 'executor') await giveBack(turn, callId);
  const isDiscarded = end.outcome !== 'completed' && order.keepOnFailure !== true;
  return handedUp(role, ended, merged && { ...merged, isDiscarded });
}

/** Whether what an explorer found still holds. Its report is taken and told: what cannot be looked at is compared at the next change. */
export async function lookOnceMore(
  turn: TurnContext,
  parent: Parent,
  { agentId, result }: Pick<EventOf<'agent.ended'>, 'agentId' | 'result'>,
): Promise<void> {
  if (result?.kind !== 'explorer') return;
  try {
    await divergedMeanwhile(turn, parent, agentId);
  } catch (error) {
    if (isOutOfHands(error) || !(error instanceof SandboxError)) throw error;
    turn.logger.warn({ taskId: turn.taskId, agentId, err: error }, 'facts could not be compared once more');
  }
}

/** What a parent reads of a subagent that has ended. @throws {ToolProblem} the same, where it came to no good end */
export function handedUp(
  { kind }: Role,
  { outcome, result, error }: Omit<EventOf<'agent.ended'>, 'seq' | 'at'>,
  merged: Merged | undefined,
): string {
  const text = resultText({ kind, outcome, result, error, merged });
  if (outcome !== 'completed') throw new ToolProblem(text);
  return text;
}

/** Gives an executor's machine back. What could not be is looked for later: how it ended is told, and stands. */
export async function giveBack(turn: TurnContext, callId: string): Promise<void> {
  try {
    await turn.workspaces.drop(turn, callId);
  } catch (error) {
    if (isOutOfHands(error)) throw error;
    turn.logger.warn({ taskId: turn.taskId, callId, err: error }, 'the machine of a subagent is left over');
  }
}

/** What it still runs in a machine; nothing where that cannot be reached. */
async function killProcesses(turn: TurnContext, { callId, parent, fork }: Ending): Promise<void> {
  await assertHeld(turn);
  try {
    const sandbox = await (fork ? fork.sandbox() : parent.agent.open());
    await sandbox.killAll(`${callId}:`);
  } catch (error) {
    turn.logger.warn({ taskId: turn.taskId, callId, err: error }, 'no processes of a subagent to kill');
  }
}

function resultOf(
  reported: Reported,
  fork: Fork | undefined,
  work: Work | undefined,
): AgentResult | undefined {
  if (reported.kind !== 'executor') return reported;
  if (fork === undefined || work === undefined) return undefined;
  const { changed, treeAfter } = work;
  return { ...reported, ...namedChanges(changed), treeBefore: fork.treeBefore, treeAfter };
}

/** Of one who came to no end of its own, and whose work could not be brought home: what there is of it is named all the same. */
const NO_REPORT: Reported = { kind: 'executor', summary: '', checks: [] };
