import type { CapName, CapStanding } from '../../models/spend.ts';
import { dollars } from '../../models/spend-question.ts';
import type { AgentBudget } from '../../protocol/agents.ts';
import type { TodoItem } from '../../protocol/events.ts';
import type { Item, TaskState } from '../../protocol/task.ts';
import { openThreadsText, toldThreads } from '../../review/open-threads.ts';
import type { Agent } from '../agent.ts';
import { leftOf } from '../agents/budget.ts';
import { staleLines } from '../agents/facts.ts';
import type { Transcript } from '../transcript.ts';
import type { TurnContext } from '../turn-context.ts';
import type { Entry } from './entries.ts';
import { STANDING } from './limits.ts';

/** How things stand for an agent as it is asked. */
export interface Standing {
  todos: readonly TodoItem[];
  /** Threads that are open, as the agent reads them; undefined where there is none. */
  threads: string | undefined;
  /** What it was told that holds no more, a line each. */
  stale: readonly string[];
  /** What it may still use up; undefined where nobody bounded that, or the bound is far away. */
  left: AgentBudget | undefined;
  /** Where the caps on spending stand that hold for it. */
  caps: readonly CapStanding[];
}

/** The last message of each request, which is no part of the conversation. */
export interface Tail {
  /** Undefined where nothing is to be said. @param n which answer of the agent's is asked for, from 1 */
  text(n: number): Promise<string | undefined>;
}

/** Calls after which there may be something to say. */
const TELLING: ReadonlySet<string> = new Set(['todo', 'task', 'reply']);

/**
 * The state is looked at for as long as there is something in it that an agent should have before its eyes; where there is nothing, not
 * again before something was said to it or it has done something that changes that. Where no cap is set, nothing is asked for it.
 */
export function createTail(turn: TurnContext, agent: Agent, transcript: Transcript): Tail {
  let seen = 0;
  let isQuiet = false;
  return {
    async text(n) {
      const entries = transcript.entries();
      if (entries.slice(seen).some(isTelling)) isQuiet = false;
      seen = entries.length;
      const caps = agent.isLead ? await capsOf(turn) : [];
      if (isQuiet && agent.budget === undefined)
        return tailText({ ...NOTHING, left: fewLeft(agent, n), caps });
      const state = await turn.states.current(turn.taskId);
      const left = leftOf(state.turns.at(-1)?.items ?? [], agent.id) ?? fewLeft(agent, n);
      if (isQuiet) return tailText({ ...NOTHING, left, caps });
      isQuiet = !hasSources(state, agent);
      return tailText({ ...standingOf(state, agent), left, caps });
    },
  };
}

const NOTHING = { todos: [], threads: undefined, stale: [] };

async function capsOf({ spend, taskId, turnId }: TurnContext): Promise<CapStanding[]> {
  const caps = spend.caps();
  return caps === undefined ? [] : spend.standing({ taskId, turnId }, caps);
}

/** Of who is bounded by its number of answers alone. */
function fewLeft({ maxModelCalls }: Pick<Agent, 'maxModelCalls'>, n: number): AgentBudget | undefined {
  const modelCalls = maxModelCalls - n + 1;
  return modelCalls <= STANDING.fewAnswers ? { modelCalls } : undefined;
}

const isTelling = (entry: Entry): boolean =>
  entry.kind === 'said' || entry.calls.some(({ name }) => TELLING.has(name));

/** The plan and the review are the lead's. */
export function standingOf(
  state: TaskState,
  agent: Pick<Agent, 'isLead' | 'id'>,
): Pick<Standing, 'todos' | 'threads' | 'stale'> {
  const { todos, threads } = state;
  const open = toldThreads(threads).some(({ isResolved }) => !isResolved);
  return {
    todos: agent.isLead ? todos : [],
    threads: agent.isLead && open ? shortened(openThreadsText(threads), STANDING.threadsChars) : undefined,
    stale: staleLines(state, agent.isLead ? undefined : agent.id).slice(-STANDING.facts),
  };
}

const shortened = (text: string, most: number): string =>
  text.length <= most
    ? text
    : `${text.slice(0, most).toWellFormed()}\n[${text.length - most} more characters: settle these first]`;

/** Whether there is anything that could have to be said later without the agent's doing. */
function hasSources({ todos, threads, turns }: TaskState, { isLead }: Pick<Agent, 'isLead'>): boolean {
  if (isLead && (todos.length > 0 || threads.length > 0)) return true;
  return turns.some(({ items }) => hasFacts(items));
}

const hasFacts = (items: readonly Item[]): boolean =>
  items.some(
    (item) =>
      item.kind === 'tool' &&
      ((item.agent?.facts.length ?? 0) > 0 || (item.items !== undefined && hasFacts(item.items))),
  );

const SIGN: Record<TodoItem['status'], string> = { pending: '[ ]', in_progress: '[>]', completed: '[x]' };

/** As the model reads it. A plan that is done, and nothing else to say, is no message. */
export function tailText({ todos, threads, stale, left, caps }: Standing): string | undefined {
  const lefts = [
    ...(left === undefined ? [] : [leftText(left)]),
    ...(caps.length === 0 ? [] : [moneyText(caps)]),
  ];
  const isPlanned = todos.some(({ status }) => status !== 'completed');
  const parts = [
    ...(isPlanned
      ? [`# Your plan\n${todos.map(({ text, status }) => `${SIGN[status]} ${text}`).join('\n')}`]
      : []),
    ...(threads === undefined ? [] : [`# Open review threads\n${threads}`]),
    ...(stale.length === 0
      ? []
      : [
          `# What no longer holds\nLook again before you rely on these:\n${stale.map((line) => `- ${line}`).join('\n')}`,
        ]),
    ...(lefts.length === 0 ? [] : [`# What you have left\n${lefts.join('\n')}`]),
  ];
  if (parts.length === 0) return undefined;
  return `[How things stand as you are asked. Nobody says this to you; it is brought up to date for each of your answers.]\n\n${parts.join('\n\n')}`;
}

function leftText({ modelCalls, tokens }: AgentBudget): string {
  const answers =
    modelCalls === 1 ? 'This answer, and then no more' : `${modelCalls} answers, this one included`;
  return tokens === undefined ? `${answers}.` : `${answers}; ${tokens} tokens, those that you read included.`;
}

const WHOSE: Record<CapName, string> = {
  turn: 'this turn',
  task: 'this task',
  user: 'all of the person’s tasks today',
  day: 'all tasks of this relay today',
};

function moneyText(caps: readonly CapStanding[]): string {
  const each = caps.map(({ cap, limitMicros, usedMicros }) => {
    const left = Math.max(0, limitMicros - usedMicros);
    return `${dollars(left, Math.floor)} of ${dollars(limitMicros)} for ${WHOSE[cap]}`;
  });
  return `Money for model calls, your subagents’ included: ${each.join('; ')}. Before a call that could cost more the person is asked.`;
}
