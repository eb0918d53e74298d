import assert from 'node:assert/strict';
import type { EventOf, TaskEvent, TaskEventType } from '../../../server/protocol/events.ts';
import type { ToolCall } from '../../fakes/model/script.ts';
import type { Watch } from '../turn/watch.ts';
import type { Attack } from './attack.ts';

export const ofType = <Type extends TaskEventType>(
  events: readonly TaskEvent[],
  type: Type,
): EventOf<Type>[] => events.filter((event): event is EventOf<Type> => event.type === type);

/** What the lead's model read of a call that is the same; undefined where it was never made. */
export function readOf({ events }: Watch, { name, arguments: input }: ToolCall): string | undefined {
  const wanted = JSON.stringify(input);
  const started = ofType(events, 'tool.started').find(
    (event) => event.name === name && event.agentId === undefined && JSON.stringify(event.input) === wanted,
  );
  return ofType(events, 'tool.finished').find(({ callId }) => callId === started?.callId)?.output;
}

export function assertReads(watch: Watch, { tries, call, reads }: Attack): void {
  const read = readOf(watch, call);
  if (typeof reads === 'string') assert.equal(read, reads, tries);
  else assert.match(read ?? '(it was not done)', reads, tries);
}

/** Resolves with a task's `nth` end of a turn. */
export async function ended(watch: Watch, nth = 1): Promise<EventOf<'turn.ended'>> {
  const isNth = ({ seq }: EventOf<'turn.ended'>): boolean =>
    ofType(watch.events, 'turn.ended').findIndex((event) => event.seq === seq) === nth - 1;
  return watch.until('turn.ended', isNth);
}
