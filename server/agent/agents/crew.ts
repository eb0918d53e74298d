import type { AgentKind } from '../../protocol/agents.ts';
import type { Agent, Role } from '../agent.ts';
import { executorTools, readerTools } from '../tools/registry.ts';
import { taskTool } from '../tools/task.ts';
import type { Tool } from '../tools/tool.ts';
import type { TurnContext } from '../turn-context.ts';
import { readOnlyShell } from './read-only-shell.ts';
import { rolesFor } from './roles.ts';

/** Whoever may work in a turn, and what all of them have. */
export interface Crew {
  roles: readonly Role[];
  agentsMd: string | undefined;
}

/** An agent as the one who has others work for it. */
export interface Parent {
  agent: Agent;
  kind: AgentKind | 'lead';
}

/** What a subagent can do: what its kind can, of that what its role leaves it, and in any case handing up its work. */
export function toolsOf(
  turn: TurnContext,
  crew: Crew,
  { kind, tools: named }: Role,
  depth: number,
  report: Tool,
): readonly Tool[] {
  const roles = rolesFor(crew.roles, kind, { depth });
  const able = [
    ...(kind === 'executor' ? executorTools : [...readerTools, readOnlyShell(turn)]),
    // Who only looks has those of the relay's owner's servers that change nothing: a program in the sandbox can write there.
    ...turn.beside.servers.tools.filter(({ writes }) => kind === 'executor' || writes === false),
    ...(roles.length > 0 ? [taskTool(roles)] : []),
  ];
  return [...able.filter(({ name }) => named === undefined || named.includes(name)), report];
}
