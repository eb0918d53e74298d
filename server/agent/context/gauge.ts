import type { Agent } from '../agent.ts';
import type { Transcript } from '../transcript.ts';
import { type Answer, keptFrom } from './entries.ts';
import { CONTEXT } from './limits.ts';
import type { Bounds } from './render.ts';

/** What a request takes, in tokens, and how many of them so many UTF-16 units were found to be. */
export interface Measure {
  tokens: number;
  /** Instructions and tools, which no cut changes. */
  fixed: number;
  /** Tokens for each UTF-16 unit. */
  rate: number;
}

/** Knows what the requests of one agent take. */
export interface Gauge {
  measure(transcript: Transcript, bounds: Bounds): Measure;
}

/**
 * What the provider counted of the last request, and an estimate of what has come since, at the rate that this one was found to have. Of
 * the answer, too: what a model thought is counted as its output, and not sent again. Where no provider has said anything, or the
 * conversation was cut since, all of it is estimated.
 */
export function createGauge({ instructions, tools }: Pick<Agent, 'instructions' | 'tools'>): Gauge {
  const fixedChars =
    instructions.length +
    tools.reduce((sum, { name, description }) => sum + name.length + description.length + SCHEMA_CHARS, 0);
  let rate = 1 / CONTEXT.charsPerToken;
  return {
    measure(transcript, bounds) {
      const entries = transcript.entries();
      const view = transcript.view();
      const parts = transcript.parts(bounds);
      const from = keptFrom(entries, view);
      const chars = (begin: number, end?: number): number =>
        parts.slice(begin, end).reduce((sum, part) => sum + part.chars, 0);
      const known = entries.findLastIndex(
        (entry, index): entry is Answer =>
          index >= view.cutLength && entry.kind === 'answer' && entry.usage.inputTokens !== undefined,
      );
      const answer = entries[known];
      if (answer?.kind !== 'answer' || answer.usage.inputTokens === undefined) {
        const fixed = Math.ceil(fixedChars * rate);
        return { tokens: fixed + Math.ceil(chars(0) * rate), fixed, rate };
      }
      const { inputTokens } = answer.usage;
      const place = 1 + known - from;
      rate = bounded(inputTokens / (fixedChars + chars(0, place)));
      return {
        tokens: inputTokens + Math.ceil(chars(place) * rate),
        fixed: Math.ceil(fixedChars * rate),
        rate,
      };
    },
  };
}

/** Of the JSON Schema of one tool's input, in UTF-16 units: the middle of the relay's own. */
const SCHEMA_CHARS = 500;

const bounded = (rate: number): number =>
  Math.min(
    CONTEXT.mostScale / CONTEXT.charsPerToken,
    Math.max(CONTEXT.leastScale / CONTEXT.charsPerToken, rate),
  );
