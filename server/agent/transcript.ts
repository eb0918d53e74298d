import type { ModelMessage } from 'ai';
import type { Selection } from '../protocol/commands.ts';
import type { NewEvent, TaskEvent } from '../protocol/events.ts';
import { messageText } from './prompt.ts';
import { standing } from './standing.ts';

/** The facts that a model's conversation is made of. */
export type TranscriptEvent = Extract<
  NewEvent,
  { type: 'message.delivered' | 'model.answered' | 'tool.finished' | 'sandbox.changed' | 'review.told' }
>;

/** What a call that never finished is answered with: a transcript with an unanswered call is refused by providers. */
const INTERRUPTED = '[interrupted: whether and how far this ran is unknown]';

/** A conversation as it is sent to a model, grown event by event: the same from the log as from the running turn. */
export interface Transcript {
  /** A message that is in it already changes nothing. */
  add(event: TranscriptEvent): void;
  /** What of the log belongs to this conversation. */
  addAll(events: readonly TaskEvent[]): void;
  messages(): ModelMessage[];
}

/** A person's message as the model is given it. */
function userMessage(message: { text: string; selection?: Selection[] | undefined }): ModelMessage {
  return { role: 'user', content: messageText(message.text, message.selection) };
}

type ToolPart = Extract<ModelMessage, { role: 'tool' }>['content'][number];

/** @param agentId whose conversation: a subagent's, or the lead's where undefined */
export function createTranscript(agentId?: string): Transcript {
  const messages: ModelMessage[] = [];
  const delivered = new Set<string>();
  /** Results of the last answer's calls, in the order of the calls, whatever order they finished in. */
  let open = new Map<string, Extract<ToolPart, { type: 'tool-result' }>>();

  const transcript: Transcript = {
    add(event) {
      if (event.type === 'message.delivered') {
        if (delivered.has(event.messageId)) return;
        delivered.add(event.messageId);
        messages.push(userMessage(event));
      } else if (event.type === 'review.told') {
        messages.push({ role: 'user', content: event.text });
      } else if (event.type === 'sandbox.changed') {
        if (event.isNews) messages.push({ role: 'user', content: `[The machine: ${event.detail}.]` });
      } else if (event.type === 'model.answered') {
        answer(event);
      } else {
        const result = open.get(event.callId);
        if (result) {
          result.output = { type: event.isError ? 'error-text' : 'text', value: event.output };
        }
      }
    },
    addAll(events) {
      for (const event of standing(events))
        if (isTranscriptEvent(event) && agentOf(event) === agentId) transcript.add(event);
    },
    messages: () => [...messages],
  };

  function answer({ text, toolCalls }: Extract<TranscriptEvent, { type: 'model.answered' }>): void {
    const calls = toolCalls.map(({ callId, name, input }) => ({
      type: 'tool-call' as const,
      toolCallId: callId,
      toolName: name,
      input,
    }));
    if (text === '' && calls.length === 0) return;
    messages.push({
      role: 'assistant',
      content: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...calls],
    });
    open = new Map(
      calls.map(({ toolCallId, toolName }) => [
        toolCallId,
        { type: 'tool-result', toolCallId, toolName, output: { type: 'error-text', value: INTERRUPTED } },
      ]),
    );
    if (open.size > 0) messages.push({ role: 'tool', content: [...open.values()] });
  }

  return transcript;
}

/** The person speaks to the lead, and it is the lead who is told of the machine and of the review. */
const agentOf = (event: TranscriptEvent): string | undefined =>
  'agentId' in event ? event.agentId : undefined;

const TYPES: Record<TranscriptEvent['type'], true> = {
  'message.delivered': true,
  'model.answered': true,
  'tool.finished': true,
  'sandbox.changed': true,
  'review.told': true,
};

function isTranscriptEvent(event: TaskEvent): event is Extract<TaskEvent, { type: TranscriptEvent['type'] }> {
  return Object.hasOwn(TYPES, event.type);
}
