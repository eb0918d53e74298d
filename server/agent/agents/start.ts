import type { AgentBudget } from '../../protocol/agents.ts';
import type { EventOf, TaskEvent } from '../../protocol/events.ts';
import type { Item } from '../../protocol/task.ts';
import { readAll } from '../../tasks/event-log.ts';
import type { Agent, Order, Role } from '../agent.ts';
import { ToolProblem } from '../tools/tool.ts';
import { type TurnContext, tell } from '../turn-context.ts';
import { type Left, toGive } from './budget.ts';
import { AGENT_BUDGETS, AGENT_LIMITS } from './limits.ts';
import { takePlace } from './permits.ts';

/** What a subagent is held to. Told as it begins, and the same after every restart. */
export interface Terms {
  budget: AgentBudget;
  /** When it has to have ended, ms since 1970: what its turn waited for the person is not its time. */
  deadlineAt: number;
}

/**
 * Tells that a subagent begins, once, and answers what it is held to.
 * @param earlier what the log has of it
 * @throws {ToolProblem} where the turn has had as many as it may, or too little is left to its parent
 */
export async function start(
  turn: TurnContext,
  parent: Agent,
  { callId, role, order }: { callId: string; role: Role; order: Order },
  earlier: readonly TaskEvent[],
): Promise<Terms> {
  const known = earlier.find(
    (event): event is EventOf<'agent.started'> => event.type === 'agent.started' && event.agentId === callId,
  );
  if (known)
    return { budget: known.budget, deadlineAt: known.deadlineAt + (await restedSince(turn, known.seq)) };
  // One after the other, or those that begin at once would all find room.
  const giveBack = await takePlace(turn.claim, 'start', 1, await parent.signal());
  try {
    const { taskId, turnId } = turn;
    const items = (await turn.states.current(taskId)).turns.at(-1)?.items ?? [];
    if (countIn(items) >= AGENT_LIMITS.inTurn) {
      throw new ToolProblem(
        `This turn has had ${AGENT_LIMITS.inTurn} subagents, as many as it may. Do the rest yourself.`,
      );
    }
    const terms = termsFor(role, order, { ...parent, left: toGive(items, parent.id) }, turn.now());
    const [choice] = turn.models(role.modelRole, parent.model);
    await tell(turn, {
      key: `${callId}:agent`,
      event: {
        type: 'agent.started',
        turnId,
        agentId: callId,
        parentId: parent.id,
        role: role.name,
        kind: role.kind,
        description: order.description,
        depth: parent.depth + 1,
        model: choice?.ref ?? '',
        workspace: role.kind === 'executor' ? 'fork' : 'shared',
        ...terms,
      },
    });
    return terms;
  } finally {
    giveBack();
  }
}

/**
 * What its kind has, less what was asked for, and no more than half of what is left to its parent, who has to come to its own end after it:
 * an executor that could not would lose its work.
 * @param parent what it can give, where that is bounded, and when it has to have ended itself
 * @throws {ToolProblem} where its parent needs all that is left to it
 */
export function termsFor(
  { kind }: Pick<Role, 'kind'>,
  { limits }: Pick<Order, 'limits'>,
  { left, deadlineAt }: { left?: Left | undefined; deadlineAt?: number | undefined },
  now: number,
): Terms {
  const least = (...figures: (number | undefined)[]): number =>
    Math.max(1, Math.min(...figures.filter((figure) => figure !== undefined)));
  const half = (figure: number | undefined): number | undefined =>
    figure === undefined ? undefined : Math.floor(figure / 2);
  const most = AGENT_BUDGETS[kind];
  const spare = left && left.modelCalls - AGENT_LIMITS.keptCalls;
  if (spare !== undefined && spare < 1) {
    throw new ToolProblem(
      'You have too few answers left to have somebody work for you. Do the rest yourself, and report.',
    );
  }
  return {
    budget: {
      modelCalls: least(most.modelCalls, limits?.modelCalls, half(left?.modelCalls), spare),
      tokens: least(most.tokens, limits?.tokens, half(left?.tokens)),
    },
    deadlineAt: least(now + 1000 * least(most.seconds, limits?.seconds), deadlineAt),
  };
}

const countIn = (items: readonly Item[]): number =>
  items.reduce(
    (sum, item) =>
      item.kind === 'tool' ? sum + (item.agent === undefined ? 0 : 1) + countIn(item.items ?? []) : sum,
    0,
  );

/** How long (ms) the turn has waited for the person since that event: days may pass, and nobody worked. */
async function restedSince(turn: TurnContext, seq: number): Promise<number> {
  let rested = 0;
  let since: number | undefined;
  for (const event of await readAll(turn.log, turn.taskId, seq)) {
    if (!('turnId' in event) || event.turnId !== turn.turnId) continue;
    if (event.type === 'turn.parked') since ??= event.at;
    if (event.type === 'turn.continued' && since !== undefined) {
      rested += event.at - since;
      since = undefined;
    }
  }
  return rested;
}
