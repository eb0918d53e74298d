import type { AgentKind } from '../../protocol/agents.ts';
import type { Agent, Role } from '../agent.ts';
import { ToolProblem } from '../tools/tool.ts';
import { AGENT_LIMITS } from './limits.ts';

/** What every lead can have work for it. */
const BUILT_IN: readonly Role[] = [
  {
    name: 'explorer',
    kind: 'explorer',
    description: 'reads and searches, changes nothing, and answers a question with the lines that show it',
    instructions: undefined,
    tools: undefined,
    modelRole: 'explorer',
  },
  {
    name: 'executor',
    kind: 'executor',
    description:
      'does a part of the work in a copy of the workspace; what it changed is merged into yours when it ends',
    instructions: undefined,
    tools: undefined,
    modelRole: 'executor',
  },
  {
    name: 'reviewer',
    kind: 'reviewer',
    description: 'reads what was changed so far, and names what is wrong with it by line',
    instructions: undefined,
    tools: undefined,
    modelRole: 'reviewer',
  },
];

/** Kinds of subagents that an agent may have: whoever writes has a copy of its own, and only the lead makes copies. */
const KINDS: Record<AgentKind | 'lead', readonly AgentKind[]> = {
  lead: ['explorer', 'executor', 'reviewer'],
  executor: ['explorer'],
  explorer: ['explorer'],
  reviewer: ['explorer'],
};

/** All roles of a turn, the built-in ones first. The repository's own may not take their names: they would mean something else. */
export function rolesOf(own: readonly Role[]): readonly Role[] {
  const taken = new Set(BUILT_IN.map(({ name }) => name));
  return [...BUILT_IN, ...own.filter(({ name }) => !taken.has(name))];
}

/** Those that an agent can give work to; none where it is too deep. */
export const rolesFor = (
  roles: readonly Role[],
  kind: AgentKind | 'lead',
  { depth }: Pick<Agent, 'depth'>,
): readonly Role[] =>
  depth >= AGENT_LIMITS.depth ? [] : roles.filter((role) => KINDS[kind].includes(role.kind));

/** @throws {ToolProblem} where there is none of that name */
export function roleNamed(roles: readonly Role[], name: string): Role {
  const role = roles.find((known) => known.name === name);
  if (role) return role;
  throw new ToolProblem(
    `There is no role ${name}. The roles are: ${roles.map((known) => known.name).join(', ')}.`,
  );
}
