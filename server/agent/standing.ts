import type { TaskEvent } from '../protocol/events.ts';

/** What of a log still counts: without what was said and done in turns that were rolled back since. */
export function standing(events: readonly TaskEvent[]): readonly TaskEvent[] {
  const gone = new Set<string>();
  let turns: string[] = [];
  for (const event of events) {
    if (event.type === 'turn.started') turns.push(event.turnId);
    if (event.type !== 'task.rolled_back') continue;
    const index = turns.indexOf(event.turnId);
    if (index === -1) continue;
    for (const turnId of turns.slice(index)) gone.add(turnId);
    turns = turns.slice(0, index);
  }
  if (gone.size === 0) return events;
  return events.filter(
    (event) => !('turnId' in event && event.turnId !== undefined && gone.has(event.turnId)),
  );
}
