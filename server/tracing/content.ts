import type { EventOf } from '../protocol/events.ts';
import { SECRET_RULES, secretValue } from '../protocol/secret-rules.ts';
import type { Attributes } from '../protocol/trace.ts';

/** UTF-16 units of one attribute: collectors refuse a whole batch for one that is too long, and many take 64 KB at most. */
const MOST = 20_000;

type Speaking = EventOf<
  'message.delivered' | 'agent.started' | 'model.answered' | 'tool.started' | 'tool.finished'
>;

/** What was said in it, as the conventions have it; what looks like a credential is left out. Asked for only where the owner wants it. */
export function contentOf(event: Speaking): Attributes {
  switch (event.type) {
    case 'message.delivered':
      return messages('gen_ai.input.messages', [{ role: 'user', parts: [text(event.text)] }]);
    case 'agent.started':
      return { 'gen_ai.agent.description': cut(hidden(event.description)) };
    case 'model.answered': {
      const calls = event.toolCalls.map(({ callId, name, input }) => ({
        ...{ type: 'tool_call', id: callId, name, arguments: hiddenIn(input) },
      }));
      const parts = [...(event.text === '' ? [] : [text(event.text)]), ...calls];
      return messages('gen_ai.output.messages', [{ role: 'assistant', parts }]);
    }
    case 'tool.started':
      return { 'gen_ai.tool.call.arguments': cut(JSON.stringify(hiddenIn(event.input)) ?? '') };
    case 'tool.finished':
      return { 'gen_ai.tool.call.result': cut(hidden(event.output)) };
  }
}

const text = (content: string) => ({ type: 'text', content: cut(hidden(content)) });

const messages = (name: string, said: unknown): Attributes => ({ [name]: cut(JSON.stringify(said)) });

const cut = (long: string): string =>
  long.length <= MOST ? long : `${long.slice(0, MOST).toWellFormed()}… (${long.length} characters)`;

/** The same text with every credential that is known by its form replaced by what it is. */
export function hidden(from: string): string {
  let clean = from;
  for (const { rule, pattern, isLikely } of SECRET_RULES) {
    for (const match of [...clean.matchAll(pattern)].reverse()) {
      const value = secretValue(match);
      if (isLikely?.(value) === false) continue;
      const start = match.index + match[0].indexOf(value);
      clean = `${clean.slice(0, start)}[${rule}]${clean.slice(start + value.length)}`;
    }
  }
  return clean;
}

function hiddenIn(value: unknown): unknown {
  if (typeof value === 'string') return hidden(value);
  if (Array.isArray(value)) return value.map(hiddenIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hiddenIn(inner)]));
}
