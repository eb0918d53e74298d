import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toolName } from '../../../server/mcp/names.ts';
import { McpName } from '../../../server/protocol/repository-config.ts';

describe('the name of an MCP server’s tool', () => {
  it('says server and tool, and is changed as little as providers make necessary', () => {
    assert.deepEqual(
      [
        toolName('tracker', 'find_issue'),
        toolName('tracker', 'issues/find'),
        toolName('tracker', 'issues.find'),
        toolName('t', 'x'.repeat(56)),
        toolName('t', 'x'.repeat(57)),
      ],
      [
        'mcp__tracker__find_issue',
        'mcp__tracker__issues_find_d02cab',
        'mcp__tracker__issues_find_8fb37b',
        `mcp__t__${'x'.repeat(56)}`,
        `mcp__t__${'x'.repeat(49)}_07cb85`,
      ],
    );
  });

  it('is one that providers take, and another for every other tool', () => {
    const server = fc.stringMatching(/^[a-zA-Z0-9-]+(_[a-zA-Z0-9-]+)*$/).filter((name) => name.length <= 32);
    const tool = fc.oneof(fc.string({ maxLength: 80 }), fc.stringMatching(/^[_a-z]{0,9}$/));
    const property = fc.property(server, tool, server, tool, (one, first, other, second) => {
      assert.ok(McpName.safeParse(one).success);
      const name = toolName(one, first);
      assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/);
      if (one !== other || first !== second) assert.notEqual(name, toolName(other, second));
    });
    fc.assert(property);
  });
});
