import { createHash } from 'node:crypto';
import type { ChatRequest } from './request.ts';

export interface ToolCall {
  name: string;
  /** An object is sent as JSON; a string is sent as it is, so that it may be malformed. */
  arguments: Record<string, unknown> | string;
}

/** What a model says. A reply without tool calls ends the agent's turn. */
export interface Reply {
  text?: string;
  toolCalls?: ToolCall[];
  /** UTF-16 units in one streamed piece of text or of arguments. */
  chunkSize?: number;
  /** Milliseconds before each streamed piece. */
  delayMs?: number;
  /** Met by the first requests for this reply, in order, before it is given. */
  faults?: Fault[];
}

/** What a provider does wrong. */
export type Fault =
  /** The socket is destroyed after so many pieces of the reply (of `text`, where the fault stands alone). */
  | { fault: 'cut'; afterChunks: number; text?: string }
  /** An error of that status; `retryAfter` in seconds. */
  | { fault: 'status'; status: number; retryAfter?: number; body?: unknown }
  /** A proxy's error page. */
  | { fault: 'html'; status?: number }
  /** A success with no choice in it. */
  | { fault: 'empty' }
  /** Nothing, until the client gives up. */
  | { fault: 'hang' };

export type Step =
  | Reply
  | Fault
  /** Sees the request, so that a reply can depend on tool results; may wait, so that a test can hold it back. */
  | ((request: ChatRequest) => Reply | Fault | Promise<Reply | Fault>);

/** The replies of one conversation, over all of its turns. */
export interface Script {
  /** Which conversations it answers; absent: all. A subagent or a title is a conversation of its own. */
  when?: (request: ChatRequest) => boolean;
  steps: Step[];
  /** What is said once the steps are used up. Absent: a short closing text. */
  otherwise?: Step;
}

/** Scripts in order of precedence. */
export type Scenario = Script[];

const CLOSING: Reply = { text: 'I have nothing more to do here.' };

/**
 * Chooses the step that follows what the request holds: as many as the assistant has said so far. No counter, so a relay
 * that was killed in a turn and asks again after its restart gets the same reply; and a second turn goes on in the list.
 */
export function chooseStep(scenario: Scenario, request: ChatRequest): { step: Step; index: number } {
  const index = request.messages.filter((message) => message.role === 'assistant').length;
  const script = scenario.find(({ when }) => when === undefined || when(request));
  return { step: script?.steps[index] ?? script?.otherwise ?? CLOSING, index };
}

/** Names a conversation by what it began with, for counting the faults that it has met. */
export function conversationOf(request: ChatRequest): string {
  const opening = request.messages.find((message) => message.role === 'user')?.content ?? '';
  return createHash('sha256').update(opening).digest('hex').slice(0, 12);
}

export function isFault(value: Reply | Fault): value is Fault {
  return 'fault' in value;
}
