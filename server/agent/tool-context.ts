import type { Agent } from './agent.ts';
import type { LiveOutput } from './live-output.ts';
import { type ToolContext, ToolProblem } from './tools/tool.ts';
import { assertHeld, type TurnContext, tell } from './turn-context.ts';

/** What a tool may reach in one call of an agent's. */
export async function toolContext(
  turn: TurnContext,
  agent: Agent,
  callId: string,
  shown: LiveOutput,
): Promise<ToolContext> {
  const { turnId } = turn;
  return {
    sandbox: await agent.open(),
    callId,
    signal: await agent.signal(),
    async memo(key, compute) {
      const value = await turn.store.memo(turn.taskId, `${callId}:${key}`, compute);
      // A relay that slept until now acts on nothing: what was decided may be done, undone and forgotten.
      await assertHeld(turn);
      return value;
    },
    showOutput: shown.push,
    setTodos: (items) =>
      tell(turn, {
        key: `${callId}:todos`,
        event: { type: 'todos.changed', turnId, items },
      }),
    ask: (question) =>
      tell(turn, {
        key: `${callId}:asked`,
        event: { type: 'question.asked', turnId, questionId: callId, ...question },
      }),
    threads: async () => (await turn.states.current(turn.taskId)).threads,
    async reply(threadId, words, resolve) {
      const text = turn.hide(turn.taskId, words);
      await tell(turn, {
        key: `${callId}:replied`,
        event: {
          type: 'comment.written',
          commentId: callId,
          threadId,
          author: 'agent',
          text,
          isDraft: false,
          turnId,
        },
      });
      if (!resolve) return;
      await tell(turn, {
        key: `${callId}:resolved`,
        event: { type: 'thread.resolved', threadId, isResolved: true, turnId },
      });
    },
    describe: (title, body) =>
      tell(turn, {
        key: `${callId}:described`,
        event: {
          type: 'changes.described',
          turnId,
          title: turn.hide(turn.taskId, title),
          body: turn.hide(turn.taskId, body),
        },
      }),
    delegate(order) {
      if (!agent.delegate) throw new ToolProblem('This agent cannot have subagents.');
      return agent.delegate(turn, callId, order);
    },
  };
}
