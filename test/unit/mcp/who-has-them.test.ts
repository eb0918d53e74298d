import assert from 'node:assert/strict';
import * as z from 'zod';
import type { Role } from '../../../server/agent/agent.ts';
import { toolsOf } from '../../../server/agent/agents/crew.ts';
import type { Tool } from '../../../server/agent/tools/tool.ts';
import type { TurnContext } from '../../../server/agent/turn-context.ts';

const tool = (name: string, writes: boolean): Tool => ({
  name,
  description: '',
  input: z.object({}),
  writes,
  run: async () => '',
});
const servers = { tools: [tool('mcp__a__look', false), tool('mcp__a__do', true)], close: async () => {} };
const turn = { beside: { hooks: [], servers } } as unknown as TurnContext;
const crew = { roles: [], agentsMd: undefined };
const role = (kind: Role['kind'], tools?: string[]): Role => ({
  name: kind,
  kind,
  description: '',
  instructions: undefined,
  tools,
  modelRole: 'explorer',
});

describe('tools of MCP servers', () => {
  it('are there for who works on a part, and those that change nothing for who only looks', () => {
    const offered = [role('executor'), role('explorer'), role('reviewer'), role('executor', ['mcp__a__do'])];
    const has = offered.map((one) =>
      toolsOf(turn, crew, one, 1, tool('report', false))
        .map(({ name }) => name)
        .filter((name) => name.startsWith('mcp__')),
    );
    assert.deepEqual(has, [
      ['mcp__a__look', 'mcp__a__do'],
      ['mcp__a__look'],
      ['mcp__a__look'],
      ['mcp__a__do'],
    ]);
  });
});
