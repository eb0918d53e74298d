import type { Failure } from '../../protocol/errors.ts';
import type { TaskEvent } from '../../protocol/events.ts';
import type { TaskState } from '../../protocol/task.ts';
import { cardIn } from '../../tasks/agent-service.ts';
import type { AroundSteps } from '../agent-loop.ts';
import type { ToolCall } from '../tool-call.ts';
import type { TurnContext } from '../turn-context.ts';
import type { Watch } from '../watch/watch.ts';
import { overBudget } from './budget.ts';
import { noteDivergence } from './divergence.ts';
import { factsIn, identityOf, type KnownFact, staleLine } from './facts.ts';
import { AGENT_LIMITS } from './limits.ts';
import { REPORT } from './report-tool.ts';
import type { Fork } from './workspaces.ts';

export interface Held {
  agentId: string;
  /** What the log had of it as this run of it began, and what it was told so far. */
  earlier: readonly TaskEvent[];
  watch: Watch;
  hasReported: () => boolean;
  /** The copy of its parent's workspace that it works in, where it does not see what others do meanwhile; undefined where it only looks. */
  fork: Fork | undefined;
  /** Whether a call of its may change files. */
  mayWrite: (call: ToolCall) => boolean;
}

type Hold = Required<Pick<AroundSteps, 'next' | 'objects' | 'acted'>>;

/** Holds a subagent to its budget and to handing up what is asked of its kind, and tells it what it has to know of others. */
export function holdToTerms(turn: TurnContext, held: Held): Hold {
  const { agentId, earlier, watch, hasReported, fork, mayWrite } = held;
  const failed = new Set(earlier.flatMap((event) => failedReport(event, agentId)));
  const toldAt = earlier.findLast(
    (event) => event.type === 'agent.nudged' && event.reason === 'stale_facts',
  )?.at;
  const told = new Set<string>();
  /** What its copy is known to hold, and whether it may have changed that since. */
  let tree = fork?.treeBefore;
  let hasWritten = earlier.length > 0;
  const faults = (): number => failed.size + watch.nudges('invalid_result');

  /** What its own explorers told it of its copy may be changed by itself. */
  async function lookAtOwn({ sandbox }: Fork, state: TaskState): Promise<void> {
    if (!hasWritten || tree === undefined) return;
    if (factsIn(state, agentId).every(({ fact }) => fact.stale !== undefined)) return;
    const { headTree } = await turn.repo.capture(turn.taskId, await sandbox(), tree);
    await noteDivergence(turn, { workspace: agentId, from: tree, to: headTree, by: agentId });
    tree = headTree;
    hasWritten = false;
  }

  return {
    acted(_n, calls) {
      hasWritten ||= calls.some(mayWrite);
      if (!hasReported()) for (const { callId, name } of calls) if (name === REPORT) failed.add(callId);
    },

    async next() {
      if (hasReported()) return { kind: 'completed', text: '' };
      if (faults() >= AGENT_LIMITS.invalidResults) return { kind: 'failed', failure: INVALID };
      const state = await turn.states.current(turn.taskId);
      const used = overBudget(itemsOf(state), agentId);
      if (used) return { kind: 'failed', failure: used };
      if (fork === undefined) return undefined;
      await lookAtOwn(fork, state);
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
