import type { EventOf, TaskEvent } from '../protocol/events.ts';
import { messageIdOf } from './ids.ts';
import type { ToolCall } from './tool-call.ts';
import { createWatch, type Watch, type WatchedEvent } from './watch/watch.ts';

/** How far an agent has come: all that is needed, besides its conversation, to go on. */
export interface Progress {
  /** Answers of the model so far. */
  answers: number;
  /** What the last of them asked for. */
  calls: ToolCall[];
  /** Of those, what has no result yet. */
  unfinished: ToolCall[];
  /** Calls that are told to have started, with the answer that asked for them. */
  told: ReadonlySet<string>;
  /** The last answer's text, where it asked for nothing and nothing was said to the agent since: it had finished. */
  lastWords: string | undefined;
  /** The steps at which it was interrupted, if it was: only they can have left something in the log or in the sandbox. */
  mayHaveBegun: ReadonlySet<string>;
  /** What it did in the turn, looked at for signs that it is stuck. */
  watch: Watch;
}

/**
 * Reads from the log how far an agent has come in a turn. This is what makes the log a journal: it is the same wherever and however
 * often the turn was interrupted.
 * @param agentId undefined for the lead
 */
export function progressOf(
  events: readonly TaskEvent[],
  turnId: string,
  agentId: string | undefined,
): Progress {
  let answers = 0;
  let last: EventOf<'model.answered'> | undefined;
  let lastWords: string | undefined;
  const finished = new Set<string>();
  const watch = createWatch();
  for (const event of events) {
    if (event.type === 'message.delivered' && event.turnId === turnId && agentId === undefined) {
      lastWords = undefined;
    }
    if (!isWatched(event) || event.turnId !== turnId || event.agentId !== agentId) continue;
    watch.add(event);
    if (event.type === 'agent.nudged') lastWords = undefined;
    else if (event.type === 'tool.finished') finished.add(event.callId);
    else {
      answers += 1;
      last = event;
      lastWords = event.toolCalls.length === 0 ? event.text : undefined;
    }
  }
  const calls = last?.toolCalls ?? [];
  const unfinished = calls.filter(({ callId }) => !finished.has(callId));
  const next = messageIdOf({ id: agentId ?? turnId }, answers + 1);
  const mayHaveBegun = new Set([...unfinished.map(({ callId }) => callId), next]);
  return { answers, calls, unfinished, lastWords, mayHaveBegun, told: new Set(), watch };
}

const isWatched = (event: TaskEvent): event is Extract<TaskEvent, { type: WatchedEvent['type'] }> =>
  event.type === 'model.answered' || event.type === 'tool.finished' || event.type === 'agent.nudged';
