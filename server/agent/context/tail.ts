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
  /** What it may still use up; undefined where nobody bounded that. */
  left: AgentBudget | undefined;
}

/** The last message of each request, which is no part of the conversation. */
export interface Tail {
  /** Undefined where nothing is to be said. */
  text(): Promise<string | undefined>;
}

/** Calls after which there may be something to say. */
const TELLING: ReadonlySet<string> = new Set(['todo', 'task', 'reply']);

/**
 * The state is looked at for as long as there is something in it that an agent should have before its eyes; where there is nothing, not
 * again before something was said to it or it has done something that changes that.
 */
export function createTail(turn: TurnContext, agent: Agent, transcript: Transcript): Tail {
  let seen = 0;
  let isQuiet = false;
  return {
    async text() {
      const entries = transcript.entries();
      if (entries.slice(seen).some(isTelling)) isQuiet = false;
      seen = entries.length;
      if (isQuiet && agent.budget === undefined) return undefined;
      const state = await turn.states.current(turn.taskId);
      const left = leftOf(state.turns.at(-1)?.items ?? [], agent.id);
      if (isQuiet) return tailText({ todos: [], threads: undefined, stale: [], left });
      isQuiet = !hasSources(state, agent);
      return tailText({ ...standingOf(state, agent), left });
    },
  };
}

const isTelling = (entry: Entry): boolean =>
  entry.kind === 'said' || entry.calls.some(({ name }) => TELLING.has(name));

/** The plan and the review are the lead's. */
export function standingOf(state: TaskState, agent: Pick<Agent, 'isLead' | 'id'>): Omit<Standing, 'left'> {
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
export function tailText({ todos, threads, stale, left }: Standing): string | undefined {
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
    ...(left === undefined ? [] : [`# What you have left\n${leftText(left)}`]),
  ];
  if (parts.length === 0) return undefined;
  return `[How things stand as you are asked. Nobody says this to you; it is brought up to date for each of your answers.]\n\n${parts.join('\n\n')}`;
}

function leftText({ modelCalls, tokens }: AgentBudget): string {
  const answers =
    modelCalls === 1 ? 'This answer, and then no more' : `${modelCalls} answers, this one included`;
  return tokens === undefined ? `${answers}.` : `${answers}; ${tokens} tokens, those that you read included.`;
}
