import type { KeyedEvent } from '../tasks/event-log.ts';
import { type TurnContext, tell } from './turn-context.ts';

/** Events that may wait a moment for others, so that both are told in one. Nothing is told out of order. */
export interface HeldEvents {
  /** Tells what is held, and these after it. */
  tell(...events: KeyedEvent[]): Promise<void>;
}

/** @param mostMs how long what is held may wait, if nothing is told after it */
export function holdEvents(turn: TurnContext, mostMs: number, ...events: KeyedEvent[]): HeldEvents {
  let held = events;
  let told: Promise<void> = Promise.resolve();
  const tellAll = (...more: KeyedEvent[]): Promise<void> => {
    clearTimeout(timer);
    const all = [...held, ...more];
    held = [];
    told = told.then(() => tell(turn, ...all));
    // Whoever tells something next hears of a failure.
    told.catch(() => {});
    return told;
  };
  const timer = setTimeout(() => void tellAll(), mostMs);
  return { tell: tellAll };
}
