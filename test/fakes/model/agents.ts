import type { ChatRequest } from './request.ts';
import type { Script, Step, ToolCall } from './script.ts';

/** What scripts of subagents are put together from. */

export const call = (name: string, args: Record<string, unknown>): ToolCall => ({ name, arguments: args });

/** Whether a conversation began with that message: a subagent's does with its prompt. */
export const beganWith = (request: ChatRequest, prompt: string): boolean => {
  const opening = request.messages.find(({ role }) => role === 'user')?.content ?? '';
  return opening === prompt || opening.startsWith(`${prompt}\n`);
};

/** What the subagent says that was given this prompt. */
export const child = (prompt: string, ...steps: Step[]): Script => ({
  when: (request) => beganWith(request, prompt),
  steps,
});

/** A call that has a subagent work; its prompt is its description. */
export const task = (prompt: string, more: Record<string, unknown> = {}): ToolCall =>
  call('task', { description: prompt, prompt, ...more });

/** An explorer's report on one place. */
export const found = (answer: string, path: string, startLine = 1, endLine = startLine): Step => ({
  toolCalls: [
    call('report', { summary: `${answer} found.`, answer, evidence: [{ path, startLine, endLine }] }),
  ],
});

/** An executor's report. */
export const did = (summary: string): Step => ({ toolCalls: [call('report', { summary, checks: [] })] });

/** What was said to it last, besides how things stand, which is said anew with each request. */
export const lastSaid = (request: ChatRequest | undefined): string | undefined =>
  request?.messages.findLast(({ content }) => !content.startsWith('[How things stand'))?.content;
