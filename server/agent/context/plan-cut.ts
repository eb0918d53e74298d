import { type Answer, type Entry, keptFrom, PERSONS_WORD, type View } from './entries.ts';
import type { Measure } from './gauge.ts';
import { CONTEXT } from './limits.ts';
import { type Bounds, renderAll, renderEntry } from './render.ts';

/** What is to be left out of a conversation. */
export interface Cut {
  /** Calls whose results become handles, besides those that are. */
  evicted: string[];
  /** The answer before which all that is not pinned is to be summarised, if that is needed. */
  upTo: string | undefined;
}

/** The conversation that is to be cut, what it takes, and what its model can take. */
export interface Crowd {
  entries: readonly Entry[];
  view: View;
  bounds: Bounds;
  measure: Measure;
  /** In tokens. */
  window: number;
}

/**
 * What to leave out so that there is room again: results first, the oldest first, for they can be read again; where that is not enough,
 * what is older than the newest work is summarised. An answer's calls and results are never parted.
 * @returns undefined where nothing can be left out that is worth a cut
 */
export function planCut(crowd: Crowd): Cut | undefined {
  const { measure, window } = crowd;
  const before = sizeOf(crowd, crowd.view);
  const evicted = evict(crowd, crowd.view, window * CONTEXT.cutTo, CONTEXT.keptResults);
  const lean: Cut = { evicted, upTo: undefined };
  const isEnough = sizeOf(crowd, afterCut(crowd, lean)) <= window * CONTEXT.enough;
  const cut = isEnough ? lean : (summarising(crowd) ?? lean);
  // Also what was just asked for has to go where there is no other way: it can be asked for again, piece by piece.
  const view = afterCut(crowd, cut);
  if (sizeOf(crowd, view) > window * CONTEXT.cutAt) {
    cut.evicted.push(...evict(crowd, view, window * CONTEXT.cutAt, 0));
  }
  const after = sizeOf(crowd, afterCut(crowd, cut));
  const isWorth = before - after >= window * WORTH || (measure.tokens > window && after < before);
  return isWorth ? cut : undefined;
}

/** Share of the window that a cut has to bring: or a full conversation of what cannot be left out would be cut at every call. */
const WORTH = 0.05;

/** What a conversation takes with that view of it, in tokens. */
export function sizeOf({ entries, bounds, measure }: Crowd, view: View): number {
  const chars = renderAll(entries, view, bounds).reduce((sum, part) => sum + part.chars, 0);
  return measure.fixed + Math.ceil(chars * measure.rate);
}

/** The view after a cut. @param summary what is to stand for what came before `upTo` */
export function afterCut({ entries, view }: Pick<Crowd, 'entries' | 'view'>, cut: Cut, summary = ''): View {
  return {
    evicted: new Set([...view.evicted, ...cut.evicted]),
    upTo: cut.upTo ?? view.upTo,
    summary: cut.upTo === undefined ? view.summary : summary,
    cutLength: entries.length,
  };
}

/** Results that become handles until no more than `most` tokens are left; the newest `spared` stay. */
function evict(crowd: Crowd, view: View, most: number, spared: number): string[] {
  const { entries, bounds, measure } = crowd;
  const evicted = new Set(view.evicted);
  const results = entries
    .slice(keptFrom(entries, view))
    .flatMap((entry) => (entry.kind === 'answer' ? entry.calls.map((call) => ({ entry, call })) : []));
  const gone: string[] = [];
  let tokens = sizeOf(crowd, view);
  for (const { entry, call } of results.slice(0, Math.max(0, results.length - spared))) {
    if (tokens <= most) break;
    const { callId, name, output = '' } = call;
    if (output.length < CONTEXT.leastResult || evicted.has(callId) || PERSONS_WORD.has(name)) continue;
    const size = (): number => renderEntry(entry, { ...view, evicted }, bounds).chars;
    const before = size();
    evicted.add(callId);
    tokens -= (before - size()) * measure.rate;
    gone.push(callId);
  }
  return gone;
}

/** A cut that keeps the newest work and has the rest summarised; undefined where there is nothing to summarise. */
function summarising(crowd: Crowd): Cut | undefined {
  const { entries, view, bounds, measure, window } = crowd;
  const from = keptFrom(entries, view);
  let room = window * CONTEXT.kept;
  let upTo: Answer | undefined;
  for (const entry of entries.slice(from).reverse()) {
    room -= renderEntry(entry, view, bounds).chars * measure.rate;
    if (room < 0 && upTo !== undefined) break;
    if (entry.kind === 'answer') upTo = entry;
  }
  if (upTo === undefined) return undefined;
  const hasMore = entries.slice(from, entries.indexOf(upTo)).some(isSummarised);
  if (!hasMore) return undefined;
  const cut: Cut = { evicted: [], upTo: upTo.messageId };
  cut.evicted = evict(crowd, afterCut(crowd, cut), window * CONTEXT.enough, 0);
  return cut;
}

/** Whether anything of an entry is lost but for a summary. */
const isSummarised = (entry: Entry): boolean => entry.kind === 'answer' || !entry.isPinned;
