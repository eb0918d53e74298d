import assert from 'node:assert/strict';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { assertGapless, essence, namesOf, transcriptsOf } from '../turns/outcome.ts';
import { LEDGER_EXPECTED, RESULTS_EXPECTED } from './scenario.ts';
import { mostRunning, type Swarm } from './swarm.ts';

/** A task as one person followed it. */
export interface Followed {
  taskId: string;
  events: TaskEvent[];
}

/** Each turn ended well, each effect came about once, each log is whole and says the same as every other, from any relay. */
export async function assertNothingLostOrRepeated(
  swarm: Swarm,
  followed: readonly Followed[],
): Promise<void> {
  let record: string[] | undefined;
  for (const { taskId, events } of followed) {
    assertGapless(events);
    assert.deepEqual(await swarm.ledger(taskId), LEDGER_EXPECTED, 'each command ran once');
    const results = events.flatMap((event) => (event.type === 'tool.finished' ? [event.output] : []));
    assert.deepEqual(results, RESULTS_EXPECTED);
    const message = events.find((event) => event.type === 'message.delivered');
    const names = { ...namesOf(taskId, events), [message?.messageId ?? '']: 'FIRST' };
    record ??= essence(events, names);
    assert.deepEqual(essence(events, names), record, 'all tasks have the same record');
  }
  // Which task a request is of is in the ids of its calls; whoever asks for the first answer has none yet.
  const turns = followed.flatMap(({ events }) => events.filter((event) => event.type === 'turn.started'));
  for (const { turnId } of turns) {
    const own = swarm.model.requests.filter(({ messages }) => JSON.stringify(messages).includes(turnId));
    assert.equal(Object.keys(transcriptsOf(own, { [turnId]: 'TURN' })).length, RESULTS_EXPECTED.length);
  }
}

/** @param limits of turns at once */
export async function assertLimits(
  swarm: Swarm,
  limits: { turns: number; turnsPerOwner: number },
): Promise<void> {
  const { '*': all = 0, ...owners } = await mostRunning(swarm);
  assert.equal(all, limits.turns, 'as many ran as may, and never more');
  for (const [owner, most] of Object.entries(owners))
    assert.ok(most <= limits.turnsPerOwner, `${owner} had ${most} turns at once`);
}
