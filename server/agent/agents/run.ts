import { toFailure } from '../../errors.ts';
import type { EventOf, TaskEvent } from '../../protocol/events.ts';
import type { Agent, Order, Role } from '../agent.ts';
import { runAgent } from '../agent-loop.ts';
import { knownFiles } from '../known-files.ts';
import { inOurWords } from '../prepare-step.ts';
import { progressOf } from '../progress.ts';
import { assertTaken } from '../refused-files.ts';
import { WorkspaceSpoilt } from '../spoilt.ts';
import { standing } from '../standing.ts';
import { mayWrite } from '../tool-call.ts';
import { ASKED, ToolProblem } from '../tools/tool.ts';
import { createTranscript } from '../transcript.ts';
import { isOutOfHands, type TurnContext } from '../turn-context.ts';
import { type Crew, type Parent, toolsOf } from './crew.ts';
import { changedSince } from './divergence.ts';
import { conclude, type End, giveBack, handedUp, lookOnceMore } from './ending.ts';
import { holdToTerms } from './hold.ts';
import { subagentInstructions } from './instructions.ts';
import { atOnce, takePlace } from './permits.ts';
import type { Reported } from './report-input.ts';
import { REPORT, reportTool } from './report-tool.ts';
import { changedLines, reviewMaterial } from './review-material.ts';
import { roleNamed, rolesFor } from './roles.ts';
import { start, type Terms } from './start.ts';
import { type Supervision, supervise } from './supervision.ts';
import type { Fork } from './workspaces.ts';

/**
 * Has a subagent work for one tool call, and answers with what it handed up. It is a run of its own: what it says and does is in the task's
 * log under the call's id, it goes on from there after a kill, and how it ended is told once.
 * @throws {ToolProblem} where it came to no good end, with what its parent reads
 */
export async function runSubagent(
  turn: TurnContext,
  crew: Crew,
  parent: Parent,
  callId: string,
  order: Order,
): Promise<string | typeof ASKED> {
  const role = roleNamed(rolesFor(crew.roles, parent.kind, parent.agent), order.role);
  const earlier = await turn.log.findAll(turn.taskId, `${callId}:`);
  const ended = endedIn(earlier, callId);
  if (ended) {
    await lookOnceMore(turn, parent, ended.ended);
    if (role.kind === 'executor') await giveBack(turn, callId);
    return handedUp(role, ended.ended, ended.merged);
  }
  const place = await placeFor(turn, parent, role);
  try {
    const terms = await start(turn, parent.agent, { callId, role, order }, earlier);
    const supervision = await supervise(turn, parent.agent, callId, terms.deadlineAt);
    try {
      return await work(turn, crew, parent, { callId, role, order, terms, earlier, supervision });
    } finally {
      supervision.release();
    }
  } finally {
    place();
  }
}

interface Job {
  callId: string;
  role: Role;
  order: Order;
  terms: Terms;
  earlier: readonly TaskEvent[];
  supervision: Supervision;
}

function endedIn(earlier: readonly TaskEvent[], callId: string) {
  const isEnded = (event: TaskEvent): event is EventOf<'agent.ended'> =>
    event.type === 'agent.ended' && event.agentId === callId;
  const isMerged = (event: TaskEvent): event is EventOf<'agent.merged'> =>
    event.type === 'agent.merged' && event.agentId === callId;
  const ended = earlier.find(isEnded);
  return ended && { ended, merged: earlier.find(isMerged) };
}

/** Waits until its parent has fewer at work than it may. */
async function placeFor(turn: TurnContext, { agent }: Parent, { kind }: Role): Promise<() => void> {
  const queue = `${agent.id} ${kind === 'executor' ? 'writers' : 'readers'}`;
  const signal = await agent.signal();
  try {
    return await takePlace(turn.claim, queue, atOnce(kind, agent.depth + 1), signal);
  } catch (error) {
    if (isOutOfHands(error) || !signal.aborted) throw error;
    throw new ToolProblem('[stopped before it began]');
  }
}

/** Works, and comes to an end that is told; or halts without one, for the turn waits for the person or is no longer this relay's. */
async function work(turn: TurnContext, crew: Crew, parent: Parent, job: Job): Promise<string | typeof ASKED> {
  const { callId, role, order, supervision } = job;
  let fork: Fork | undefined;
  let end: End | typeof ASKED = ASKED;
  try {
    try {
      if (role.kind === 'executor') {
        // The calls of one answer begin at once, and from the same files.
        const group = callId.slice(0, callId.lastIndexOf('c'));
        fork = await turn.workspaces.fork(turn, callId, group, supervision.signal);
      }
      end = await converse(turn, crew, parent, job, fork);
    } catch (error) {
      if (isOutOfHands(error)) throw error;
      // A copy goes with its agent; the machine that others work in does not.
      const isKept = role.kind !== 'executor' || order.keepOnFailure === true;
      if (error instanceof WorkspaceSpoilt && isKept) throw error;
      end = supervision.halted() ?? { outcome: 'failed', error: toFailure(inOurWords(error)) };
      if (end.outcome === 'failed') {
        turn.logger.error({ taskId: turn.taskId, callId, err: error }, 'a subagent failed unexpectedly');
      }
    }
    if (end === ASKED) return ASKED;
    return await conclude(turn, { callId, parent, role, order, fork, end });
  } finally {
    // Those whose work comes home after its own do not wait for it any more, whatever became of it.
    if (role.kind === 'executor') turn.workspaces.rest(callId);
  }
}

/** Its conversation, from where the log has it to its end. */
async function converse(
  turn: TurnContext,
  crew: Crew,
  parent: Parent,
  { callId, role, order, terms, earlier, supervision }: Job,
  fork: Fork | undefined,
): Promise<End | typeof ASKED> {
  const { taskId, turnId } = turn;
  const { kind } = role;
  const depth = parent.agent.depth + 1;
  const open = fork ? () => fork.sandbox() : parent.agent.open;
  const { workdir } = await open();
  const material = kind === 'reviewer' ? await reviewMaterial(turn, callId) : undefined;

  let reported: Reported | undefined;
  const keep = (check: () => Promise<Reported>): Promise<Reported> =>
    turn.store.memo(taskId, `${callId}:report`, check);
  if (earlier.some((event) => isReport(event, callId))) reported = await keep(neverKept);
  const report = reportTool({
    kind,
    keep,
    changed: async () => (material ? changedLines(turn, material) : []),
    assertTaken: async () => fork && assertTaken(turn, await fork.sandbox(), fork.treeBefore),
    changedBeside: async () => changedSince(await turn.states.current(taskId), callId),
    onReported: (good) => {
      reported = good;
    },
  });

  const agent: Agent = {
    id: callId,
    by: { agentId: callId, parentId: parent.agent.id },
    isLead: false,
    depth,
    modelRole: role.modelRole,
    model: parent.agent.model,
    instructions: subagentInstructions(role, { workdir, agentsMd: crew.agentsMd }),
    tools: toolsOf(turn, crew, role, depth, report),
    files: knownFiles(standing(earlier), callId),
    maxModelCalls: terms.budget.modelCalls,
    budget: terms.budget,
    deadlineAt: terms.deadlineAt,
    open,
    signal: async () => supervision.signal,
    delegate: (running, childId, childOrder) =>
      runSubagent(running, crew, { agent, kind }, childId, childOrder),
  };
  const transcript = createTranscript(callId);
  const text = material ? `${order.prompt}\n\n${material.text}` : order.prompt;
  transcript.add({ type: 'message.delivered', turnId, messageId: `${callId}:prompt`, text });
  transcript.addAll(earlier);
  const progress = progressOf(earlier, turnId, callId);
  const hold = holdToTerms(turn, {
    agentId: callId,
    earlier,
    watch: progress.watch,
    hasReported: () => reported !== undefined,
    fork,
    mayWrite: (call) => mayWrite(agent, call),
  });
  const end = await runAgent(turn, agent, transcript, progress, hold);
  switch (end.kind) {
    case 'asked':
      return ASKED;
    case 'completed':
      return reported === undefined ? { outcome: 'invalid' } : { outcome: 'completed', reported };
    case 'failed':
      return { outcome: OUTCOMES[end.failure.code] ?? 'failed', error: end.failure };
    case 'stopped':
      return supervision.halted() ?? { outcome: 'stopped' };
  }
}

const isReport = (event: TaskEvent, agentId: string): boolean =>
  event.type === 'tool.finished' && event.agentId === agentId && event.name === REPORT && !event.isError;

const neverKept = async (): Promise<never> => {
  throw new TypeError('a report was taken and not kept');
};

/** What a failure means for how it ended, where its code says more than that it failed. */
const OUTCOMES: Partial<Record<string, End['outcome']>> = {
  agent_over_budget: 'over_budget',
  step_limit: 'over_budget',
  agent_result_invalid: 'invalid',
};
