import type * as z from 'zod';
import type { Page } from '../../fetch/fetch-page.ts';
import type { ModelChoice } from '../../models/choice.ts';
import type { Question } from '../../protocol/commands.ts';
import type { TodoItem } from '../../protocol/events.ts';
import type { ReviewThread } from '../../protocol/task.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Order } from '../agent.ts';
import type { Skill } from '../handbook.ts';

/** What a tool may reach: the sandbox through its interface, and the turn it belongs to. Nothing else. */
export interface ToolContext {
  sandbox: Sandbox;
  /** Identity of this call, the same when it is run again after a crash. */
  callId: string;
  /** Aborts when the person stops the turn. */
  signal: AbortSignal;
  /** Remembers what was decided before acting, so that running the call again does the same thing once. */
  memo<T>(key: string, compute: () => Promise<T>): Promise<T>;
  /** SHA-256 of what the agent last saw of a file, hex; null where it saw that nothing is there; undefined where it never looked. */
  known(path: string): string | null | undefined;
  /** The agent knows this content of the file from now on. */
  saw(path: string, sha256: string | null): void;
  /** The call has replaced all that a file held, and nothing besides. */
  rewrote(path: string, before: Uint8Array, after: Uint8Array): void;
  /** What the agent's model takes besides text. */
  abilities: ModelChoice['abilities'];
  /** Shows the model something besides the result's text; its bytes are kept. */
  attach(mediaType: string, data: Uint8Array): Promise<void>;
  /** A call that was made before in this task, by whichever agent. */
  earlier(callId: string): Promise<EarlierCall | undefined>;
  /** What `memo` remembers of a call that was made before. */
  remembered(callId: string, key: string): Promise<unknown>;
  /** Fetches from the net what this task may reach. @throws {FetchProblem} what the model is told */
  fetchPage(url: string): Promise<Page>;
  /** Shows output while the call runs. */
  showOutput(stream: 'stdout' | 'stderr', text: string): void;
  /** What the repository offers to know more about. */
  skills: readonly Skill[];
  setTodos(items: TodoItem[]): Promise<void>;
  /** Puts a question to the person, once. The call's result is what they answer: return `ASKED`. */
  ask(question: Omit<Question, 'questionId'>): Promise<void>;
  /** What the person and the agent talk about on lines of the proposal, the person's drafts included. */
  threads(): Promise<ReviewThread[]>;
  /** Answers in a thread, once. */
  reply(threadId: string, text: string, resolve: boolean): Promise<void>;
  /** Says what the pull request should be called, and say. */
  describe(title: string, body: string): Promise<void>;
  /** Has a subagent work; what it handed up. Goes on where it was when the call is run again. */
  delegate(order: Order): Promise<string | typeof ASKED>;
}

/** A call and, once it has ended, what the model read of it. */
export interface EarlierCall {
  name: string;
  input: unknown;
  output: string | undefined;
}

/** Instead of a text: the person's answer will be the result, and the turn waits for it at no cost. */
export const ASKED = Symbol('asked');

/** One thing that the model can do. Its name and input shape are public: models and transcripts depend on them. */
export interface Tool<Schema extends z.ZodObject = z.ZodObject> {
  name: string;
  /** What the model reads about it. */
  description: string;
  input: Schema;
  /** What the model is told of its shape where `input` does not say it: the JSON Schema of a tool that is not ours, as it is. */
  inputJson?: Readonly<Record<string, unknown>>;
  /** Whether a call may change the workspace; such calls run one after the other. */
  writes: boolean | ((input: z.output<Schema>) => boolean);
  /** Runs at once with calls of its own kind, although it may write: what it changes is brought together afterwards. */
  isParallel?: boolean;
  /** A call that had begun when its relay died is gone on with also where it is to stop: it brings to an end what it began. */
  mustSettle?: boolean;
  /** The text that the model reads. Throws `ToolProblem` or `SandboxError` for what the model should know went wrong. */
  run(input: z.output<Schema>, context: ToolContext): Promise<string | typeof ASKED>;
}

/** Keeps a tool's own input type while it is written, and lets all tools be listed together. */
export function defineTool<Schema extends z.ZodObject>(tool: Tool<Schema>): Tool {
  return tool as unknown as Tool;
}

/** An expected failure: its message is what the model reads, so it says what to do next. */
export class ToolProblem extends Error {
  override readonly name = 'ToolProblem';
}
