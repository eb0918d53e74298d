import type { EventOf, SeenFile } from '../protocol/events.ts';
import { TurnOver } from '../tasks/turn-signals.ts';
import type { Agent } from './agent.ts';
import { nameInWorkspace } from './known-files.ts';
import type { LiveOutput } from './live-output.ts';
import { type ToolContext, ToolProblem } from './tools/tool.ts';
import { assertHeld, type TurnContext, tell } from './turn-context.ts';

/** What a call leaves besides its text: what the agent then knows of files, and what its model is shown. */
export interface Gains {
  files: SeenFile[];
  media: NonNullable<EventOf<'tool.finished'>['media']>;
}

/** What a tool may reach in one call of an agent's. @param hasBegun whether an earlier try of it can have decided something */
export async function toolContext(
  turn: TurnContext,
  agent: Agent,
  callId: string,
  shown: LiveOutput,
  gains: Gains,
  hasBegun: boolean,
): Promise<ToolContext> {
  const { turnId } = turn;
  const sandbox = await agent.open();
  const nameOf = (path: string): string => nameInWorkspace(path, sandbox.workdir);
  return {
    sandbox,
    callId,
    signal: await agent.signal(),
    async memo(key, compute) {
      // A relay that slept until now acts on nothing: what was decided may be done, undone and forgotten.
      if (hasBegun) {
        const value = await turn.store.memo(turn.taskId, `${callId}:${key}`, compute);
        await assertHeld(turn);
        return value;
      }
      const made = await turn.store.memoOf(turn.claim, `${callId}:${key}`, compute);
      if (made === undefined) throw new TurnOver();
      return made.value;
    },
    known: (path) => agent.files.at(nameOf(path)),
    saw: (path, sha256) => void gains.files.push({ path: nameOf(path), sha256 }),
    rewrote: (path, before, after) => agent.rewrote?.(callId, { path: nameOf(path), before, after }),
    get abilities() {
      // Of the one that is asked next: the first may be out of service.
      return turn.health.inOrder(turn.models(agent.modelRole, agent.model))[0]?.abilities ?? NO_ABILITIES;
    },
    async attach(mediaType, data) {
      const key = `${callId}:media:${gains.media.length}`;
      await turn.store.memo(turn.taskId, key, async () => Buffer.from(data).toString('base64'));
      gains.media.push({ key, mediaType });
    },
    async earlier(id) {
      const ended = await turn.log.find(turn.taskId, `${id}:finished`);
      const begun = await turn.log.find(turn.taskId, `${id}:started`);
      if (begun?.type !== 'tool.started') return undefined;
      const output = ended?.type === 'tool.finished' ? ended.output : undefined;
      return { name: begun.name, input: begun.input, output };
    },
    async remembered(id, key) {
      const nothing = new Error('nothing is remembered');
      try {
        return await turn.store.memo<unknown>(turn.taskId, `${id}:${key}`, () => Promise.reject(nothing));
      } catch (error) {
        if (error === nothing) return undefined;
        throw error;
      }
    },
    fetchPage: async (url) => turn.fetchPage(turn.taskId, url, await agent.signal()),
    showOutput: shown.push,
    skills: agent.handbook?.skills ?? [],
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

const NO_ABILITIES = { images: false, pdf: false };
