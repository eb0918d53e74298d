import type { ModelMessage } from 'ai';
import type { EventOf, NewEvent, TaskEvent } from '../protocol/events.ts';
import { type Answer, type Entry, type Said, type View, WHOLE } from './context/entries.ts';
import { type Bounds, type Rendered, renderAll, renderEntry } from './context/render.ts';
import { MODE_NOTES } from './plan-mode.ts';
import { messageText } from './prompt.ts';
import { standing } from './standing.ts';

/** The facts that a model's conversation is made of. */
export type TranscriptEvent = Extract<
  NewEvent,
  {
    type:
      | 'message.delivered'
      | 'message.expanded'
      | 'model.answered'
      | 'tool.finished'
      | 'sandbox.changed'
      | 'review.told'
      | 'rules.found'
      | 'agent.nudged'
      | 'context.cut';
  }
>;

/** A conversation as it is sent to a model, grown event by event: the same from the log as from the running turn. */
export interface Transcript {
  /** A message that is in it already changes nothing. */
  add(event: TranscriptEvent): void;
  /** What of the log belongs to this conversation. */
  addAll(events: readonly TaskEvent[]): void;
  /** What is sent of it. @param bounds of the model that it is sent to; absent: it takes anything */
  messages(bounds?: Bounds): ModelMessage[];
  /** The same with what each part takes: first what stands for all that was summarised, then entry by entry. */
  parts(bounds: Bounds): readonly Rendered[];
  /** All of it, as it was, and what of it is sent. */
  entries(): readonly Entry[];
  view(): View;
  /** How often it was cut for that answer. */
  cutsFor(messageId: string): number;
  /** The repository's rules that were told, by their file. */
  rules(): ReadonlyMap<string, string>;
}

const UNBOUNDED: Bounds = { oneText: Infinity, pins: Infinity };
const NOTHING_BEFORE: Rendered = { messages: [], chars: 0 };

/** @param agentId whose conversation: a subagent's, or the lead's where undefined */
export function createTranscript(agentId?: string): Transcript {
  const entries: Entry[] = [];
  const delivered = new Map<string, { message: Words; entry: Said }>();
  const rules = new Map<string, string>();
  const cuts: string[] = [];
  let view = WHOLE;
  /** The last answer's calls: results come in whatever order they finish in. */
  let last: Answer | undefined;
  /** All of it as it is sent: grown with each entry, and made anew where a cut or another model's bounds change what stands in it. */
  let rendered: Rendered[] = [NOTHING_BEFORE];
  let renderedFor = UNBOUNDED;

  const push = (entry: Entry): void => {
    entries.push(entry);
    rendered.push(renderEntry(entry, view, renderedFor));
  };
  /** After a change of an entry that no cut can have come behind yet. */
  const renderAgain = (entry: Entry): void => {
    const place = entries.lastIndexOf(entry) - entries.length;
    rendered.splice(place, 1, renderEntry(entry, view, renderedFor));
  };
  const parts = (bounds: Bounds): Rendered[] => {
    if (bounds.oneText !== renderedFor.oneText || bounds.pins !== renderedFor.pins) {
      renderedFor = bounds;
      rendered = renderAll(entries, view, bounds);
    }
    return rendered;
  };
  const transcript: Transcript = {
    add(event) {
      // The type says which one it is.
      const adder = adders[event.type] as (event: TranscriptEvent) => void;
      adder(event);
    },
    addAll(events) {
      for (const event of standing(events))
        if (isTranscriptEvent(event) && agentOf(event) === agentId) transcript.add(event);
    },
    messages: (bounds = UNBOUNDED) => parts(bounds).flatMap(({ messages }) => messages),
    parts,
    entries: () => entries,
    view: () => view,
    cutsFor: (messageId) => cuts.filter((known) => known === messageId).length,
    rules: () => rules,
  };

  const say = (text: string, isPinned: boolean): void => {
    push({ kind: 'said', text, isPinned });
  };
  const adders: { [T in TranscriptEvent['type']]: (event: Extract<TranscriptEvent, { type: T }>) => void } = {
    'message.delivered': (message) => {
      if (delivered.has(message.messageId)) return;
      const entry: Said = { kind: 'said', text: personsText(message), isPinned: true };
      delivered.set(message.messageId, { message, entry });
      push(entry);
    },
    'message.expanded': ({ messageId, text }) => {
      const known = delivered.get(messageId);
      if (!known) return;
      known.entry.text = personsText({ ...known.message, text });
      renderAgain(known.entry);
    },
    'review.told': ({ text }) => say(text, false),
    'agent.nudged': ({ text }) => say(text, false),
    'sandbox.changed': ({ isNews, detail }) => {
      if (isNews) say(`[The machine: ${detail}.]`, false);
    },
    'rules.found': ({ path, text }) => {
      rules.set(path, text);
      const said = `[The repository has rules of its own for what is below ${folderOf(path)} (${path}):]\n\n${text}`;
      push({ kind: 'said', text: said, isPinned: true, rules: path });
    },
    'model.answered': ({ messageId, text, toolCalls, usage }) => {
      const calls = toolCalls.map((call) => ({ ...call, output: undefined, isError: false, media: [] }));
      last = { kind: 'answer', messageId, text, calls, usage };
      push(last);
    },
    'tool.finished': ({ callId, output, isError, media = [] }) => {
      const call = last?.calls.find((asked) => asked.callId === callId);
      if (!last || !call) return;
      Object.assign(call, { output, isError, media });
      renderAgain(last);
    },
    'context.cut': ({ messageId, evicted, upTo, summary }) => {
      cuts.push(messageId);
      view = {
        evicted: new Set([...view.evicted, ...evicted]),
        upTo: upTo ?? view.upTo,
        summary: summary ?? view.summary,
        cutLength: entries.length,
      };
      rendered = renderAll(entries, view, renderedFor);
    },
  };

  return transcript;
}

type Words = Pick<EventOf<'message.delivered'>, 'text' | 'selection' | 'mode'>;

/** What the person said, and how they want it worked on, as the agent reads it. */
function personsText({ text, selection, mode }: Words): string {
  const said = messageText(text, selection);
  return mode === undefined ? said : `${said}\n\n${MODE_NOTES[mode]}`;
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** The person speaks to the lead, and it is the lead who is told of the machine and of the review. */
const agentOf = (event: TranscriptEvent): string | undefined =>
  'agentId' in event ? event.agentId : undefined;

const TYPES: Record<TranscriptEvent['type'], true> = {
  'message.delivered': true,
  'message.expanded': true,
  'model.answered': true,
  'tool.finished': true,
  'sandbox.changed': true,
  'review.told': true,
  'rules.found': true,
  'agent.nudged': true,
  'context.cut': true,
};

function isTranscriptEvent(event: TaskEvent): event is Extract<TaskEvent, { type: TranscriptEvent['type'] }> {
  return Object.hasOwn(TYPES, event.type);
}
