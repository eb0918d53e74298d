import type { Failure } from '../../protocol/errors.ts';
import type { TaskEvent } from '../../protocol/events.ts';
import type { TaskState } from '../../protocol/task.ts';
import { cardIn } from '../../tasks/agent-service.ts';
import type { AroundSteps } from '../agent-loop.ts';
import type { TurnContext } from '../turn-context.ts';
import type { Watch } from '../watch/watch.ts';
import { overBudget } from './budget.ts';
import { factsIn, identityOf, type KnownFact, staleLine } from './facts.ts';
import { AGENT_LIMITS } from './limits.ts';
import { REPORT } from './report-tool.ts';

export interface Held {
  agentId: string;
  /** What the log had of it as this run of it began, and what it was told so far. */
  earlier: readonly TaskEvent[];
  watch: Watch;
  hasReported: () => boolean;
  /** It works in a copy of its parent's workspace, and does not see there what others do meanwhile. */
  isApart: boolean;
}

type Hold = Required<Pick<AroundSteps, 'next' | 'objects' | 'acted'>>;

/** Holds a subagent to its budget and to handing up what is asked of its kind, and tells it what it has to know of others. */
export function holdToTerms(turn: TurnContext, held: Held): Hold {
  const { agentId, earlier, watch, hasReported, isApart } = held;
  const failed = new Set(earlier.flatMap((event) => failedReport(event, agentId)));
  const toldAt = earlier.findLast(
    (event) => event.type === 'agent.nudged' && event.reason === 'stale_facts',
  )?.at;
  const told = new Set<string>();
  const faults = (): number => failed.size + watch.nudges('invalid_result');

  return {
    acted(_n, calls) {
      if (!hasReported()) for (const { callId, name } of calls) if (name === REPORT) failed.add(callId);
    },

    async next() {
      if (hasReported()) return { kind: 'completed', text: '' };
      if (faults() >= AGENT_LIMITS.invalidResults) return { kind: 'failed', failure: INVALID };
      const state = await turn.states.current(turn.taskId);
      const used = overBudget(itemsOf(state), agentId);
      if (used) return { kind: 'failed', failure: used };
      if (!isApart) return undefined;
      const isNews = (known: KnownFact): boolean =>
        !told.has(identityOf(known)) && (known.fact.stale?.at ?? 0) > (toldAt ?? 0);
      const news = staleMeanwhile(state, agentId).filter(isNews);
      if (news.length === 0) return undefined;
      const text = staleText(news, agentId);
      for (const known of news) told.add(identityOf(known));
      return { kind: 'nudge', reason: 'stale_facts', text };
    },

    async objects() {
      if (hasReported()) return undefined;
      return faults() + 1 >= AGENT_LIMITS.invalidResults
        ? { kind: 'failed', failure: INVALID }
        : { kind: 'nudge', reason: 'invalid_result', text: NO_REPORT };
    },
  };
}

const failedReport = (event: TaskEvent, agentId: string): string[] =>
  event.type === 'tool.finished' && event.agentId === agentId && event.name === REPORT && event.isError
    ? [event.callId]
    : [];

const itemsOf = ({ turns }: TaskState) => turns.at(-1)?.items ?? [];

/** Facts that its parent had when it gave it its work, and that others have changed the files of since. */
function staleMeanwhile(state: TaskState, agentId: string): KnownFact[] {
  const startedAt = cardIn(itemsOf(state), agentId)?.startedAt ?? 0;
  return factsIn(state, undefined).filter(({ fact: { stale } }) => {
    return stale !== undefined && stale.at >= startedAt && stale.by !== agentId;
  });
}

function staleText(news: readonly KnownFact[], agentId: string): string {
  const lines = news.slice(0, AGENT_LIMITS.staleFacts).map((known) => `- ${staleLine(known, agentId)}`);
  const rest = news.length - lines.length;
  const more = rest > 0 ? `\n- and ${rest} more` : '';
  return `What your work may rest on holds no more. In your colleague's workspace, not in your copy of it:\n${lines.join('\n')}${more}\nLook whether your plan still stands; what you and others change in the same lines will be in conflict.`;
}

const NO_REPORT =
  'You ended without handing anything up, so nothing of your work is known. Call report now, with what you have; say in it what is missing.';

const INVALID: Failure = {
  code: 'agent_result_invalid',
  message: 'It handed up no valid report, also after it was told what was wrong.',
  nextAction: 'Ask again, and say more clearly what is to be reported; or do it yourself.',
};
