import { isObject } from '../http.ts';

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  /** Text parts joined; empty for an assistant that only called tools. */
  content: string;
  /** What an assistant called. */
  toolCalls: { id: string; name: string; arguments: string }[];
  /** Which call a tool message answers. */
  toolCallId?: string;
}

/** A request as scripts and asserts read it; `body` is the whole of it as it came. */
export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  /** Names of the offered tools. */
  tools: string[];
  stream: boolean;
  includeUsage: boolean;
  body: Record<string, unknown>;
}

/** Thrown for a request that the real API would refuse with status 400. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';
}

/** Reads a body as strictly as providers do: a conversation with an orphaned tool call or result is refused. */
export function parseChatRequest(body: Record<string, unknown> | undefined): ChatRequest {
  if (body === undefined) throw new InvalidRequest('We could not parse the JSON body of your request.');
  const { model, messages, tools = [], stream = false, stream_options: options } = body;
  if (typeof model !== 'string') throw new InvalidRequest('you must provide a model parameter');
  if (!Array.isArray(messages) || messages.length === 0)
    throw new InvalidRequest("Missing required parameter: 'messages'.");
  if (!Array.isArray(tools)) throw new InvalidRequest("Invalid type for 'tools': expected an array.");
  const parsed = messages.map(parseMessage);
  checkPairs(parsed);
  return {
    model,
    messages: parsed,
    tools: tools.map(toolName),
    stream: stream === true,
    includeUsage: isObject(options) && options['include_usage'] === true,
    body,
  };
}

const ROLES = new Set<unknown>(['system', 'user', 'assistant', 'tool']);

function parseMessage(value: unknown, index: number): ChatMessage {
  if (!isObject(value) || !ROLES.has(value['role']))
    throw new InvalidRequest(`Invalid value for 'messages[${index}].role'.`);
  const { role, content, tool_calls: calls = [], tool_call_id: toolCallId } = value;
  if (!Array.isArray(calls)) throw new InvalidRequest(`Invalid type for 'messages[${index}].tool_calls'.`);
  if (role === 'tool' && typeof toolCallId !== 'string')
    throw new InvalidRequest(`Missing required parameter: 'messages[${index}].tool_call_id'.`);
  return {
    role: role as ChatMessage['role'],
    content: contentText(content),
    toolCalls: calls.map((call: unknown) => {
      const named = isObject(call) && isObject(call['function']) ? call['function'] : undefined;
      if (!isObject(call) || typeof call['id'] !== 'string' || typeof named?.['name'] !== 'string')
        throw new InvalidRequest(`Invalid 'messages[${index}].tool_calls'.`);
      return { id: call['id'], name: named['name'], arguments: String(named['arguments']) };
    }),
    ...(typeof toolCallId === 'string' ? { toolCallId } : {}),
  };
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('');
}

function toolName(tool: unknown, index: number): string {
  const named = isObject(tool) && isObject(tool['function']) ? tool['function'] : undefined;
  if (typeof named?.['name'] !== 'string')
    throw new InvalidRequest(`Missing required parameter: 'tools[${index}].function.name'.`);
  if (!isObject(named['parameters']) || named['parameters']['type'] !== 'object')
    throw new InvalidRequest(`Invalid schema for function '${named['name']}': schema must be an object.`);
  return named['name'];
}

/** Each assistant's calls are answered right after it, each once, and nothing else is answered. */
function checkPairs(messages: ChatMessage[]): void {
  let open = new Set<string>();
  for (const message of messages) {
    if (message.role === 'tool') {
      if (!open.delete(message.toolCallId ?? ''))
        throw new InvalidRequest(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        );
      continue;
    }
    refuseOpen(open);
    open = new Set(message.toolCalls.map(({ id }) => id));
  }
  refuseOpen(open);
}

function refuseOpen(open: Set<string>): void {
  if (open.size === 0) return;
  throw new InvalidRequest(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
  );
}
