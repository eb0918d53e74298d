import type { OpenAICompatibleProvider } from '@ai-sdk/openai-compatible';
import type { ModelMessage } from 'ai';

type ChatModel = ReturnType<OpenAICompatibleProvider['chatModel']>;
export type CallOptions = Parameters<ChatModel['doStream']>[0];
type Prompt = CallOptions['prompt'];
type PromptMessage = Prompt[number];
type Part<Role extends PromptMessage['role']> = Extract<PromptMessage, { role: Role }>['content'][number];
type UserPart = Exclude<Extract<ModelMessage, { role: 'user' }>['content'], string>[number];
type AssistantPart = Exclude<Extract<ModelMessage, { role: 'assistant' }>['content'], string>[number];

/** A conversation as a provider takes it: of the shapes that ours are made of, and of no other. */
export function promptOf(instructions: string, messages: readonly ModelMessage[]): Prompt {
  return [{ role: 'system', content: instructions }, ...messages.map(promptMessage)];
}

function promptMessage(message: ModelMessage): PromptMessage {
  const more = message.providerOptions === undefined ? {} : { providerOptions: message.providerOptions };
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content, ...more };
    case 'user':
      return { role: 'user', content: parts(message.content).map(userPart), ...more };
    case 'assistant':
      return { role: 'assistant', content: parts(message.content).map(assistantPart), ...more };
    case 'tool':
      return { role: 'tool', content: message.content.map(toolPart), ...more };
  }
}

const parts = <Other>(content: string | Other[]): (Other | { type: 'text'; text: string })[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

function userPart(part: UserPart): Part<'user'> {
  if (part.type === 'text') return part;
  if (part.type === 'image') {
    return { type: 'file', data: bytes(part.image), mediaType: part.mediaType ?? 'image/png' };
  }
  const { filename } = part;
  return {
    type: 'file',
    data: bytes(part.data),
    mediaType: part.mediaType,
    ...(filename === undefined ? {} : { filename }),
  };
}

function assistantPart(part: AssistantPart): Part<'assistant'> {
  if (part.type === 'text' || part.type === 'tool-call') return part;
  throw new TypeError(`no agent of ours says a part of type ${part.type}`);
}

function toolPart(part: Extract<ModelMessage, { role: 'tool' }>['content'][number]): Part<'tool'> {
  if (part.type === 'tool-result' && (part.output.type === 'text' || part.output.type === 'error-text')) {
    const { toolCallId, toolName, output } = part;
    return { type: 'tool-result', toolCallId, toolName, output };
  }
  throw new TypeError(`no tool of ours answers with a part of type ${part.type}`);
}

/** Bytes, or the same in base64: nothing is fetched from anywhere. */
function bytes(data: unknown): { type: 'data'; data: Uint8Array | string } {
  if (typeof data === 'string' || data instanceof Uint8Array) return { type: 'data', data };
  if (typeof data === 'object' && data !== null && 'type' in data && data.type === 'data' && 'data' in data)
    return bytes(data.data);
  throw new TypeError('a file of ours comes as bytes');
}
