import type { ModelRole } from '../models/choice.ts';
import type { AgentBudget, AgentKind } from '../protocol/agents.ts';
import type { EventOf } from '../protocol/events.ts';
import type { Rewritten } from '../repo/rewritten-tree.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Handbook } from './handbook.ts';
import type { KnownFiles } from './known-files.ts';
import type { ToolCall } from './tool-call.ts';
import type { ASKED, Tool } from './tools/tool.ts';
import type { TurnContext } from './turn-context.ts';

/** Who takes the steps: the lead of a turn, who speaks to the person, or a subagent that works for one tool call of another. */
export interface Agent {
  /** Begins the ids of everything it says and does: the turn's id for the lead, the id of its tool call for a subagent. */
  id: string;
  /** What its events say about it; nothing for the lead. */
  by: { agentId?: string; parentId?: string };
  /** Whether the person's messages go to it. */
  isLead: boolean;
  /** How many agents it works for: 0 for the lead. */
  depth: number;
  instructions: string;
  /** What the repository tells it; absent where that is nothing to it. */
  handbook?: Pick<Handbook, 'skills' | 'commands'>;
  /** Which models it is given. */
  modelRole: ModelRole;
  /** The task's own choice of a model; the relay's where undefined. */
  model: string | undefined;
  tools: readonly Tool[];
  /** What it knows of files, here and now. */
  files: KnownFiles;
  /** Model calls at most: a loop that got this far is lost. */
  maxModelCalls: number;
  /** What it may use up, as it is told; absent where nobody bounded that. */
  budget?: AgentBudget;
  /** When it has to have ended, ms since 1970, moved by what its turn waited for the person; absent where nobody bounded that. */
  deadlineAt?: number;
  /** The machine that it works in: the task's, or a copy of its own. */
  open: () => Promise<Sandbox>;
  /** Aborts when it is to stop, by itself or with its turn; with a `TurnOver` where the turn is no longer this relay's. */
  signal: () => Promise<AbortSignal>;
  /** Called with every message of the person's that it reads while it runs. */
  heard?: (message: Omit<EventOf<'message.delivered'>, 'seq' | 'at'>) => void;
  /** Called with each file that a call of its has rewritten. */
  rewrote?: (callId: string, file: Rewritten) => void;
  /** Why a call that fits its tool is not to be made now, for the model; nothing where it may be. */
  refuses?: (tool: Tool, input: Record<string, unknown>) => string | undefined;
  /** Whether these calls may begin at once, and be told so with the answer that asks for them; absent: they may. */
  mayBegin?: (calls: readonly ToolCall[]) => boolean;
  /** Has a subagent work for one of its tool calls; absent where it may not. What it handed up, as the model reads it. */
  delegate?: (turn: TurnContext, callId: string, order: Order) => Promise<string | typeof ASKED>;
}

/** What a subagent is asked to do. */
export interface Order {
  /** `explorer`, `executor`, `reviewer`, or a role of the repository's own. */
  role: string;
  /** In a few words, for the person. */
  description: string;
  /** All that it is told. */
  prompt: string;
  /** Whether what it changed is kept also where it comes to no end; it is left out otherwise. */
  keepOnFailure?: boolean | undefined;
  /** Less than it would have. */
  limits?:
    | { modelCalls?: number | undefined; tokens?: number | undefined; seconds?: number | undefined }
    | undefined;
}

/** A kind of subagent: what it is told, what it can do, and what it may use up. */
export interface Role {
  name: string;
  kind: AgentKind;
  /** For the parent, who chooses by it. */
  description: string;
  /** What is said to it besides what its kind is told; from the repository's own file, where it is from there. */
  instructions: string | undefined;
  /** Names of tools, of those that its kind has; all of them where absent. */
  tools: readonly string[] | undefined;
  modelRole: ModelRole;
}
