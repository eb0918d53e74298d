import type { NudgeReason } from '../../protocol/agent-events.ts';
import type { Failure } from '../../protocol/errors.ts';
import type { NewEvent } from '../../protocol/events.ts';
import { actionOf } from '../../protocol/reduce-agents.ts';
import { STILL_RUNS, WATCH } from './limits.ts';

/** Why an agent's way of going on, or its end, is not taken as it is: it is told, once, or it ends by that. */
export type Objection =
  | { kind: 'nudge'; reason: NudgeReason; text: string }
  | { kind: 'failed'; failure: Failure };

/** The facts by which an agent is watched. */
export type WatchedEvent = Extract<NewEvent, { type: 'model.answered' | 'tool.finished' | 'agent.nudged' }>;

/** What an agent did in a turn, looked at for signs that it is stuck. The same from the log as from the running turn. */
export interface Watch {
  add(event: WatchedEvent): void;
  /** What is wrong with its last calls, once they have ended. */
  atCalls(): Objection | undefined;
  /** What is wrong with an answer that asks for nothing. */
  atEnd(): Objection | undefined;
  /** How often it was told so in this turn. */
  nudges(reason: NudgeReason): number;
  /** Whether it wrote a file in this turn, since it was told so last. */
  hasWritten(since?: NudgeReason): boolean;
}

interface Round {
  /** Calls with their results, as one text each: equal where both are. */
  calls: Map<string, string>;
  /** What is said of a call to the agent. */
  actions: string[];
  /** Files and their content, as the calls left or found them. */
  files: { path: string; sha256: string | null }[];
  hasWritten: boolean;
}

/** Tools that write the file that they name. */
const WRITING: ReadonlySet<string> = new Set(['write', 'edit']);

export function createWatch(): Watch {
  const rounds: Round[] = [];
  const inputs = new Map<string, string>();
  const told = new Map<NudgeReason, { times: number; at: number }>();
  let empty = 0;
  let isCut = false;

  const since = (reason: NudgeReason): Round[] => rounds.slice(told.get(reason)?.at ?? 0);
  const object = (reason: NudgeReason, text: string, failure: string): Objection =>
    told.has(reason) ? { kind: 'failed', failure: stuck(failure) } : { kind: 'nudge', reason, text };

  return {
    add(event) {
      if (event.type === 'agent.nudged') {
        const times = (told.get(event.reason)?.times ?? 0) + 1;
        told.set(event.reason, { times, at: rounds.length });
      } else if (event.type === 'model.answered') {
        inputs.clear();
        for (const { callId, input } of event.toolCalls) inputs.set(callId, sorted(input));
        const isEmpty = event.text.trim() === '' && event.toolCalls.length === 0;
        empty = isEmpty ? empty + 1 : 0;
        isCut = event.isCut === true;
        rounds.push({
          // In the order of the calls, in whatever order they end: the same from the log as from the running turn.
          calls: new Map(event.toolCalls.map(({ callId }) => [callId, ''])),
          actions: event.toolCalls.map(({ name, input }) => actionOf(name, input)),
          files: [],
          hasWritten: false,
        });
      } else {
        const round = rounds.at(-1);
        const { callId, name, output, isError, files = [] } = event;
        if (!round || !inputs.has(callId)) return;
        // That something still runs is news each time.
        const says = output.endsWith(STILL_RUNS) ? callId : output;
        round.calls.set(callId, `${name}\0${inputs.get(callId)}\0${isError}\0${says}`);
        round.files.push(...files);
        if (!isError && WRITING.has(name)) round.hasWritten = true;
      }
    },
    atCalls() {
      const again = repeated(since('repeated_calls'));
      if (again) {
        const calls = again.join('; ');
        return object(
          'repeated_calls',
          `You made the same calls ${WATCH.repeats} times, and got the same results each time: ${calls}. Making them again brings nothing new. Look at what the results say and go another way, or end with what stands in your way.`,
          `The agent kept making the same calls with the same results, also after it was told: ${calls}.`,
        );
      }
      const path = pingPong(since('ping_pong').slice(-WATCH.returnsWithin));
      if (path === undefined) return undefined;
      return object(
        'ping_pong',
        `${path} has come back ${WATCH.returns} times to a content that it had before: your edits undo each other. Decide what it is to be, and why, before you change it again.`,
        `The agent kept undoing its own edits of ${path}, also after it was told.`,
      );
    },
    atEnd() {
      if (isCut) {
        const times = told.get('cut_answer')?.times ?? 0;
        if (times >= WATCH.cuts)
          return {
            kind: 'failed',
            failure: stuck(
              'The agent’s answers kept being cut off at the most that its model may say at once.',
            ),
          };
        return {
          kind: 'nudge',
          reason: 'cut_answer',
          text: 'Your last answer came to the most that you may say at once; its end is missing. Go on exactly where it broke off, or end with a shorter one.',
        };
      }
      if (empty === 0) return undefined;
      if (empty > 1) return { kind: 'failed', failure: stuck('The agent said nothing, twice in a row.') };
      return {
        kind: 'nudge',
        reason: 'empty_answer',
        text: 'Your last answer was empty: no text and no call. Go on with the work; where it is done, end with a short message that says what you did.',
      };
    },
    nudges: (reason) => told.get(reason)?.times ?? 0,
    hasWritten: (reason) =>
      (reason === undefined ? rounds : since(reason)).some(({ hasWritten }) => hasWritten),
  };
}

/** What the last answers asked for, where that was the same again and again. */
function repeated(rounds: readonly Round[]): string[] | undefined {
  for (let length = 1; length <= WATCH.longestRound; length++) {
    const last = rounds.slice(-length * WATCH.repeats);
    if (last.length < length * WATCH.repeats) return undefined;
    if (last.some(({ calls }) => calls.size === 0 || [...calls.values()].includes(''))) continue;
    const texts = last.map(({ calls }) => [...calls.values()].join('\n'));
    if (texts.slice(length).every((text, index) => text === texts[index])) {
      return last
        .slice(0, length)
        .flatMap(({ actions }) => actions)
        .slice(0, WATCH.named);
    }
  }
  return undefined;
}

/** A file that has come back to what it was, too often. */
function pingPong(rounds: readonly Round[]): string | undefined {
  const histories = new Map<string, { states: (string | null)[]; returns: number }>();
  for (const { files } of rounds) {
    for (const { path, sha256 } of files) {
      const history = histories.get(path) ?? { states: [], returns: 0 };
      histories.set(path, history);
      if (history.states.at(-1) === sha256) continue;
      if (history.states.includes(sha256)) history.returns += 1;
      history.states.push(sha256);
    }
  }
  return [...histories].find(([, { returns }]) => returns >= WATCH.returns)?.[0];
}

/** The same for equal values, in whatever order a model names their fields. */
function sorted(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? ''
  );
}

export const stuck = (message: string): Failure => ({
  code: 'stuck',
  message,
  nextAction: 'Look at what it did; send a message that says how to go on.',
});
