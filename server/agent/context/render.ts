import type { ModelMessage } from 'ai';
import { handleOf } from '../tools/handle.ts';
import { type Answer, type Call, type Entry, keptFrom, PERSONS_WORD, type View } from './entries.ts';
import { CONTEXT } from './limits.ts';
import { mediaMessage } from './media.ts';

/** What a model can take of one text, and of all that is pinned, in UTF-16 units. */
export interface Bounds {
  oneText: number;
  pins: number;
}

/** @param window the model's, in tokens */
export const boundsOf = (window: number): Bounds => ({
  oneText: Math.floor(window * CONTEXT.oneText * CONTEXT.charsPerToken),
  pins: Math.floor(window * CONTEXT.pins * CONTEXT.charsPerToken),
});

/** Messages of one entry, and what they take, in UTF-16 units. */
export interface Rendered {
  messages: ModelMessage[];
  chars: number;
}

/** What a call that never finished is answered with: a transcript with an unanswered call is refused by providers. */
const INTERRUPTED = '[interrupted: whether and how far this ran is unknown]';

/** An entry as it is sent where it is neither summarised nor shortened. */
export function renderEntry(entry: Entry, view: View, { oneText }: Bounds): Rendered {
  return entry.kind === 'said' ? renderSaid(entry.text, oneText) : renderAnswer(entry, view, oneText);
}

function renderSaid(text: string, most: number): Rendered {
  const content = clipped(text, most);
  return { messages: [{ role: 'user', content }], chars: content.length + CONTEXT.messageChars };
}

function renderAnswer({ text, calls }: Answer, { evicted }: View, most: number): Rendered {
  if (text === '' && calls.length === 0) return { messages: [], chars: 0 };
  let chars = text.length + CONTEXT.messageChars;
  const asked = calls.map(({ callId, name, input }) => {
    const sent = evicted.has(callId) ? shortArguments(input) : input;
    chars += (JSON.stringify(sent) ?? '').length + CONTEXT.messageChars;
    return { type: 'tool-call' as const, toolCallId: callId, toolName: name, input: sent };
  });
  const results = calls.map((call) => {
    const value = resultText(call, evicted, most);
    const media = evicted.has(call.callId) ? 0 : call.media.length;
    chars += value.length + CONTEXT.messageChars + media * CONTEXT.mediaChars;
    const type = call.isError || call.output === undefined ? ('error-text' as const) : ('text' as const);
    return {
      type: 'tool-result' as const,
      toolCallId: call.callId,
      toolName: call.name,
      output: { type, value },
    };
  });
  const said: ModelMessage = {
    role: 'assistant',
    content: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...asked],
  };
  const shown = calls.filter(({ callId, media }) => media.length > 0 && !evicted.has(callId));
  const answered: ModelMessage[] = results.length === 0 ? [] : [{ role: 'tool', content: results }];
  return { messages: [said, ...answered, ...shown.map(mediaMessage)], chars };
}

function resultText({ callId, output }: Call, evicted: ReadonlySet<string>, most: number): string {
  if (output === undefined) return INTERRUPTED;
  if (evicted.has(callId)) {
    return `[The output of this call, ${output.length} characters, was left out to save room. It is kept: read it with the path ${handleOf(callId)}.]`;
  }
  return clipped(output, most, ` Read it with the path ${handleOf(callId)}.`);
}

/** Beginning and end of a text that is longer than one may be, with a mark in between. */
function clipped(text: string, most: number, how = ''): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  const begin = text.slice(0, half).toWellFormed();
  const end = text.slice(text.length - half).toWellFormed();
  return `${begin}\n[${text.length - 2 * half} characters were left out here: it is longer than the model can take.${how}]\n${end}`;
}

/** Arguments of a call whose result was left out: what it wrote is in its file. */
function shortArguments(value: unknown): unknown {
  if (typeof value === 'string') {
    const rest = value.length - CONTEXT.keptArgument;
    if (rest <= CONTEXT.keptArgument) return value;
    return `${value.slice(0, CONTEXT.keptArgument).toWellFormed()} [${rest} more characters were left out of this record to save room]`;
  }
  if (Array.isArray(value)) return value.map(shortArguments);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shortArguments(inner)]));
}

/** A conversation as it is sent, part by part: what stands for all that was summarised, then entry by entry. */
export function renderAll(entries: readonly Entry[], view: View, bounds: Bounds): Rendered[] {
  const from = keptFrom(entries, view);
  const pinned = pinnedTexts(entries, view, bounds);
  const head = renderHead(pinned.slice(0, from), view, bounds);
  return [
    head,
    ...entries.slice(from).map((entry, index) => {
      const wasCut = entry.kind === 'said' && entry.isPinned && from + index < view.cutLength;
      if (!wasCut) return renderEntry(entry, view, bounds);
      const text = pinned[from + index];
      return text === undefined ? NOTHING : renderSaid(text, bounds.oneText);
    }),
  ];
}

const NOTHING: Rendered = { messages: [], chars: 0 };

/** Everything pinned, in its order, and the summary of the rest. */
function renderHead(
  pinned: readonly (string | undefined)[],
  { summary }: View,
  { oneText }: Bounds,
): Rendered {
  const texts = pinned.filter((text) => text !== undefined);
  if (summary !== undefined) {
    texts.push(
      `[The conversation up to here was cut to save room. What was said to you in it stands above, word for word. What you did and found out:]\n\n${summary}`,
    );
  }
  const said = texts.map((text) => renderSaid(text, oneText));
  return {
    messages: said.flatMap(({ messages }) => messages),
    chars: said.reduce((sum, { chars }) => sum + chars, 0),
  };
}

/**
 * What is pinned of each entry that was there at the last cut, as it is sent; undefined for what is not. Where all of it together is too
 * much, what is in the middle is shortened, the oldest first: the task itself and the newest word matter most.
 */
function pinnedTexts(
  entries: readonly Entry[],
  { cutLength }: Pick<View, 'cutLength'>,
  { oneText, pins }: Bounds,
): (string | undefined)[] {
  const known = entries.slice(0, cutLength);
  const newest = new Map<string, number>();
  known.forEach((entry, index) => {
    if (entry.kind === 'said' && entry.rules !== undefined) newest.set(entry.rules, index);
  });
  const texts = known.map((entry, index) => {
    if (entry.kind === 'answer') return personsWord(entry, oneText);
    if (!entry.isPinned) return undefined;
    const isOutdated = entry.rules !== undefined && newest.get(entry.rules) !== index;
    return isOutdated ? undefined : clipped(entry.text, oneText);
  });
  let total = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  const first = texts.findIndex((text) => text !== undefined);
  const last = texts.findLastIndex((text) => text !== undefined);
  for (const most of [CONTEXT.shortPin, 0]) {
    for (let index = first + 1; index < last && total > pins; index++) {
      const text = texts[index];
      if (text === undefined || text.length <= most) continue;
      const short = most === 0 ? undefined : clipped(text, most);
      total -= text.length - (short?.length ?? 0);
      texts[index] = short;
    }
  }
  return texts;
}

/** What the person was asked and said in an answer's calls. */
function personsWord({ calls }: Answer, most: number): string | undefined {
  const words = calls.flatMap(({ name, input, output }) =>
    PERSONS_WORD.has(name) && output !== undefined
      ? [`You asked the person (${name}): ${JSON.stringify(input)}\nThe answer: ${output}`]
      : [],
  );
  return words.length === 0 ? undefined : clipped(words.join('\n\n'), most);
}
