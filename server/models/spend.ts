import type { Usage } from '../protocol/agent-events.ts';
import type { EventOf } from '../protocol/events.ts';

/** What is capped: a turn, a task, what one person's tasks use in a day (UTC), what all of them use in a day. */
export type CapName = EventOf<'spend.held'>['cap'];

/** In millionths of a US dollar; what is absent is not capped. */
export type Caps = Partial<Record<CapName, number>>;

/** A model call before it is made. */
export interface CallToPay {
  /** Identity of the call, the same for all attempts at it. */
  messageId: string;
  /** Of this attempt alone: another relay may make the next one before this one is given up. */
  token: string;
  taskId: string;
  turnId: string;
  agentId: string | undefined;
  role: string;
  model: string;
  /** The most that it can cost, in millionths of a US dollar. */
  mostMicros: number;
}

/** Where a cap stands: `used` is what was settled and what is reserved. */
export interface CapState {
  cap: CapName;
  /** With what the person added to it. */
  limitMicros: number;
  usedMicros: number;
  /** Without what is reserved for calls that are under way. */
  settledMicros: number;
}

/** What a task's person may know of where a cap stands. */
export type CapStanding = Pick<CapState, 'cap' | 'limitMicros' | 'usedMicros'>;

/** A word of the person's that lets calls go past a cap: for this turn, or for this task where it is the task's cap. */
export interface Raise {
  /** Which answer it is: counted once. */
  questionId: string;
  taskId: string;
  turnId: string;
  cap: CapName;
  micros: number;
}

/**
 * The book of spending while calls are under way. Only where a cap applies does it cost anything; else it is written at the turn's end
 * from the log. What is reserved and settled never comes to more than a cap, however many calls are made at once, in whatever relay.
 */
export interface Spend {
  /** What applies now; undefined where nothing does. */
  caps(): Caps | undefined;
  /** Takes the most that a call can cost out of every cap, or (the answer) says of which one it cannot. In place of what was reserved for this call before. */
  reserve(call: CallToPay, caps: Caps): Promise<CapState | undefined>;
  /** How these caps stand for a turn; not what all together use in a day, where the task is not of the relay's owner. */
  standing(turn: { taskId: string; turnId: string }, caps: Caps): Promise<CapStanding[]>;
  /** A call was answered: it cost what it cost. */
  settle(messageId: string, token: string, usage: Usage): Promise<void>;
  /** A call came to nothing, and cost something: that stays, whatever becomes of the next attempt at it. */
  settleFailed(messageId: string, token: string, usage: Usage): Promise<void>;
  /** A call came to nothing. */
  release(messageId: string, token: string): Promise<void>;
  /** Again changes nothing. */
  raise(raise: Raise): Promise<void>;
  /** Whether the task's owner may go past caps of a day: those of others are the relay's owner's to change. */
  ownsRelay(taskId: string): Promise<boolean>;
}
