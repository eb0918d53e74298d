import assert from 'node:assert/strict';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import type { ChatRequest } from '../../fakes/model/request.ts';

/** What must be the same however often the relay was killed. */
export interface Outcome {
  /** The proposal's tree at the end. */
  tree: string;
  /** Every event, as `essence` has it. */
  record: string[];
  /** What each conversation's model was given for each of its answers. */
  transcripts: Record<string, unknown>;
  ledger: string[];
}

type Names = Record<string, string>;

/** The ids of a task and its turns, and what to call them. */
export function namesOf(taskId: string, events: readonly TaskEvent[]): Names {
  const turns = events.flatMap((event) => (event.type === 'turn.started' ? [event.turnId] : []));
  return Object.fromEntries([[taskId, 'TASK'], ...turns.map((id, index) => [id, `TURN${index + 1}`])]);
}

const renamed = (text: string, names: Names): string =>
  Object.entries(names)
    .reduce((all, [id, name]) => all.replaceAll(id, name), text)
    .replace(/stopped by the user after [\d.]+ s/g, 'stopped by the user after N s');

/**
 * Only shown while they happen, or about time: pieces of text, tries of a call, the sandbox's ways, waiting to be claimed. And the
 * proposals on the way: one is captured while the model is called, and one that was cut off is part of the next. And decisions, which
 * are asked for again where their answer was lost.
 */
const PASSING = new Set<TaskEvent['type']>([
  'text.delta',
  'model.called',
  'sandbox.changed',
  'turn.waiting',
  'turn.continued',
  'tool.output',
  'proposal.changed',
  'review.decided',
]);
const VARYING = new Set(['seq', 'at', 'durationMs', 'deadlineAt', 'attempt', 'revision']);

/**
 * The log as lines without times and numbers, the pieces in which output was shown joined. In no order but that of each call and
 * each agent, because calls that run in parallel have none.
 */
export function essence(events: readonly TaskEvent[], names: Names): string[] {
  const output = new Map<string, string>();
  for (const event of events) {
    if (event.type !== 'tool.output') continue;
    const place = `${event.callId} ${event.stream}`;
    output.set(place, (output.get(place) ?? '') + event.text);
  }
  const proposal = events.findLast(({ type }) => type === 'proposal.changed');
  const stop = events.find((event) => event.type === 'turn.ended' && event.outcome === 'stopped')?.seq;
  const line = (event: TaskEvent): string =>
    JSON.stringify(event, (key, value: unknown) => {
      // How long a stopped command ran is read by the model from then on, and a digit more is a token more.
      const isVarying = VARYING.has(key) || (key === 'usage' && event.seq > (stop ?? Infinity));
      return isVarying ? undefined : value;
    });
  const facts = [...events.filter(({ type }) => !PASSING.has(type)), ...(proposal ? [proposal] : [])].map(
    line,
  );
  const shown = [...output].map(([place, text]) => `shown ${place}: ${JSON.stringify(text)}`);
  return [...facts, ...shown].map((text) => renamed(text, names)).sort();
}

/** A log without a gap and without an event twice. */
export function assertGapless(events: readonly TaskEvent[]): void {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  );
}

/**
 * What the models were given, by conversation and by how much had been said in it. A request that was repeated must be the
 * first one again, byte for byte: its provider has cached it, and its answer may differ.
 */
export function transcriptsOf(requests: readonly ChatRequest[], names: Names): Record<string, unknown> {
  const known: Record<string, string> = {};
  for (const { messages, body } of requests) {
    const opening = messages.find(({ role }) => role === 'user')?.content ?? '';
    const said = messages.filter(({ role }) => role === 'assistant').length;
    const place = `${opening} #${said + 1}`;
    const whole = renamed(JSON.stringify([body['tools'], messages]), names);
    assert.equal(whole, (known[place] ??= whole), `the request for ${place} was repeated otherwise`);
  }
  return Object.fromEntries(Object.entries(known).map(([place, whole]) => [place, JSON.parse(whole)]));
}
