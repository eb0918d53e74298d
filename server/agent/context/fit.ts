import type { ModelChoice } from '../../models/choice.ts';
import type { Usage } from '../../protocol/agent-events.ts';
import type { Agent } from '../agent.ts';
import { usedBy } from '../model-errors.ts';
import { payFor } from '../pay.ts';
import type { Tool } from '../tools/tool.ts';
import type { Transcript } from '../transcript.ts';
import { isOutOfHands, isStopped, type TurnContext, tell } from '../turn-context.ts';
import { type Entry, keptFrom } from './entries.ts';
import { createGauge } from './gauge.ts';
import { CONTEXT, SUMMARY } from './limits.ts';
import { afterCut, type Crowd, planCut, sizeOf } from './plan-cut.ts';
import { type Bounds, boundsOf } from './render.ts';
import { plainSummary, recordText, SUMMARY_INSTRUCTIONS, usableSummary } from './summary-text.ts';

export type Fitted = 'fits' | 'cut' | 'stopped';

type Model = Pick<ModelChoice, 'ref' | 'window'>;

/** Keeps what an agent's models are sent within the window of each. */
export interface Fitter {
  /** Looks whether the next request fits, and cuts the conversation where it does not: in the log first. Never fails for a summary that fails. */
  fit(messageId: string, model: Model): Promise<Fitted>;
  /**
   * The provider took the request for too long, or refused it without saying why.
   * @param isCertain it said that this was why; else that is believed once, and of a long one only
   * @returns `cut` where what is sent of it is shorter now
   */
  refused(messageId: string, model: Model, isCertain: boolean): Promise<Fitted>;
  /** What the model takes of single texts. */
  bounds(model: Model): Bounds;
}

/** A refusal without a reason may be about the length from this share of the window on: what is shorter is refused for something else. */
const SUSPICIOUS = 0.5;

/** What of a request that was refused is worth sending again, as a share of it. */
const SHORTER = 0.95;

export function createFitter(turn: TurnContext, agent: Agent, transcript: Transcript): Fitter {
  const gauge = createGauge(agent);
  /** What models that refused a request can take at most, whatever the settings say. */
  const found = new Map<string, number>();
  const windowOf = ({ ref, window }: Model): number => Math.min(found.get(ref) ?? Infinity, window);
  const crowded = (model: Model): Crowd => {
    const window = windowOf(model);
    const bounds = boundsOf(window);
    const measure = gauge.measure(transcript, bounds);
    return { entries: transcript.entries(), view: transcript.view(), bounds, measure, window };
  };

  return {
    async fit(messageId, model) {
      const crowd = crowded(model);
      if (crowd.measure.tokens <= crowd.window * CONTEXT.cutAt) return 'fits';
      return cutDown(turn, agent, transcript, crowd, messageId);
    },
    async refused(messageId, model, isCertain) {
      const sent = crowded(model);
      const { tokens } = sent.measure;
      if (!isCertain && (found.has(model.ref) || tokens < windowOf(model) * SUSPICIOUS)) return 'fits';
      found.set(model.ref, Math.min(windowOf(model), tokens));
      const crowd = crowded(model);
      const fitted = await cutDown(turn, agent, transcript, crowd, messageId);
      // Single texts are shorter already: there are stricter bounds now.
      const isShorter = sizeOf(crowd, crowd.view) < sizeOf(sent, sent.view) * SHORTER;
      return fitted === 'fits' && isShorter ? 'cut' : fitted;
    },
    bounds: (model) => boundsOf(windowOf(model)),
  };
}

async function cutDown(
  turn: TurnContext,
  agent: Agent,
  transcript: Transcript,
  crowd: Crowd,
  messageId: string,
): Promise<Fitted> {
  const cut = planCut(crowd);
  if (cut === undefined) return 'fits';
  const { evicted, upTo } = cut;
  const times = transcript.cutsFor(messageId);
  const cutId = `${messageId}:cut${times === 0 ? '' : `:${times + 1}`}`;
  const made = upTo === undefined ? {} : await summarise(turn, agent, crowd, { cutId, upTo });
  if (made === undefined) return 'stopped';
  const event = {
    type: 'context.cut' as const,
    turnId: turn.turnId,
    ...agent.by,
    messageId,
    evicted,
    ...(upTo === undefined ? {} : { upTo }),
    ...made,
    tokensBefore: crowd.measure.tokens,
    tokensAfter: sizeOf(crowd, afterCut(crowd, cut, made.summary)),
  };
  await tell(turn, { key: cutId, event });
  transcript.add(event);
  return 'cut';
}

interface Summary {
  summary?: string;
  model?: string;
  usage?: Usage;
}

const NO_TOOLS: readonly Tool[] = [];

/** By a model, or by the relay itself where none writes one that is of use. @returns undefined where the agent is to stop */
async function summarise(
  turn: TurnContext,
  agent: Agent,
  { entries, view, window }: Crowd,
  { cutId, upTo }: { cutId: string; upTo: string },
): Promise<Summary | undefined> {
  const older = entries.slice(keptFrom(entries, view), keptFrom(entries, { upTo }));
  const most = Math.floor(Math.min(SUMMARY.mostChars, window * SUMMARY.mostShare * CONTEXT.charsPerToken));
  const written = await writtenByModel(turn, agent, cutId, { older, earlier: view.summary, most });
  if (written === undefined || written.summary !== undefined) return written;
  return { ...written, summary: plainSummary(older, view.summary, most) };
}

async function writtenByModel(
  turn: TurnContext,
  agent: Agent,
  cutId: string,
  { older, earlier, most }: { older: readonly Entry[]; earlier: string | undefined; most: number },
): Promise<Summary | undefined> {
  const stop = await agent.signal();
  const spent: Summary = {};
  for (const choice of summarisers(turn)) {
    const content = recordText(older, earlier, choice.window * SUMMARY.read * CONTEXT.charsPerToken);
    const request = {
      instructions: SUMMARY_INSTRUCTIONS,
      messages: [{ role: 'user' as const, content }],
      tools: NO_TOOLS,
    };
    const signal = AbortSignal.any([stop, AbortSignal.timeout(SUMMARY.timeoutMs)]);
    try {
      // By an identity of its own: the call that it makes room for is paid for besides. Where a cap holds it, nobody is asked.
      const call = { messageId: `${cutId}:${choice.ref}`, role: 'small' as const, choice, request };
      const { text, usage } = await payFor(turn, agent, call, (allowed) =>
        turn.callModel(allowed, { ...request, signal, onText: () => {} }),
      );
      spent.model = choice.ref;
      spent.usage = added(spent.usage, usage);
      const summary = usableSummary(text, most);
      if (summary !== undefined) return { ...spent, summary };
    } catch (error) {
      if (isOutOfHands(error)) throw error;
      const usage = usedBy(error);
      if (usage) Object.assign(spent, { model: choice.ref, usage: added(spent.usage, usage) });
      if (await isStopped(turn, agent)) return undefined;
      turn.logger.warn({ taskId: turn.taskId, turnId: turn.turnId, err: error }, 'no summary by a model');
    }
  }
  return spent;
}

/** Who may write a summary: nobody, where the settings name no model for it. */
function summarisers(turn: TurnContext): ModelChoice[] {
  try {
    return turn.models('small', undefined).slice(0, SUMMARY.models);
  } catch (error) {
    turn.logger.warn({ taskId: turn.taskId, err: error }, 'there is no model for summaries');
    return [];
  }
}

function added(one: Usage = {}, other: Usage): Usage {
  const sum = { ...one };
  for (const key of ['inputTokens', 'outputTokens', 'cachedInputTokens', 'costMicros'] as const) {
    const more = other[key];
    if (more !== undefined) sum[key] = (sum[key] ?? 0) + more;
  }
  return sum;
}
