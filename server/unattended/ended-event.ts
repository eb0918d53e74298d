import type { EventOf } from '../protocol/events.ts';
import type { KeyedEvent } from '../tasks/event-log.ts';

export type EndReason = EventOf<'unattended.ended'>['reason'];

/** Tells that the token which a person left is destroyed. */
export const endedEvent = (depositId: string, reason: EndReason, detail?: string): KeyedEvent => ({
  key: `unattended:${depositId}:ended`,
  event: { type: 'unattended.ended', reason, ...(detail === undefined ? {} : { detail }) },
});
