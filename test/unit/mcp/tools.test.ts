import assert from 'node:assert/strict';
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { ToolContext } from '../../../server/agent/tools/tool.ts';
import { ServerFailure } from '../../../server/mcp/failure.ts';
import type { ListedTool } from '../../../server/mcp/listing.ts';
import type { Server } from '../../../server/mcp/servers.ts';
import type { Session } from '../../../server/mcp/session.ts';
import { agentTool } from '../../../server/mcp/tools.ts';

const HTTP: Server = { name: 'srv', kind: 'http', url: 'https://srv.example', headers: {} };
const PROGRAM: Server = { name: 'srv', kind: 'sandbox', command: ['srv'], env: {} };
const LISTED: ListedTool = {
  name: 'mcp__srv__do',
  server: 'srv',
  tool: 'do',
  description: 'Does it.',
  inputSchema: { type: 'object', properties: { a: { type: 'number' } } },
  isReadOnly: false,
  isIdempotent: false,
};
const GOOD: CallToolResult = { content: [{ type: 'text', text: 'done' }] };
const lost = new ServerFailure('broken', 'ended the connection');

/** Conversations in which calls come to this, one after the other; `log` has what was asked of them. */
function servers(...outcomes: (CallToolResult | Error)[]) {
  const log: string[] = [];
  const session: Session = {
    isClosed: false,
    tools: async () => [],
    async call(name, input) {
      log.push(`${name} ${JSON.stringify(input)}`);
      const outcome = outcomes.shift() ?? GOOD;
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    close: async () => void log.push('close'),
  };
  return { log, sessions: { with: async () => session, close: async () => {} } };
}

/** What of a call's context such a tool uses. @param decided what an earlier relay had remembered of it */
function context(decided: Record<string, unknown> = {}): ToolContext {
  const used: Pick<ToolContext, 'callId' | 'signal' | 'memo' | 'abilities' | 'showOutput'> = {
    callId: 't1:m1c1',
    signal: new AbortController().signal,
    memo: async (key, compute) => {
      decided[key] ??= await compute();
      return decided[key] as Awaited<ReturnType<typeof compute>>;
    },
    abilities: { images: false, pdf: false },
    showOutput: () => {},
  };
  return used as ToolContext;
}

const run = async (
  listed: Partial<ListedTool>,
  { sessions }: ReturnType<typeof servers>,
  how: ToolContext = context(),
): Promise<unknown> => {
  try {
    return await agentTool({ ...LISTED, ...listed }, HTTP, sessions, (text) => text).run({ a: 1 }, how);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : error;
  }
};

describe('an MCP tool as agents have it', () => {
  it('is told of as its server describes it, and counts as writing unless the owner’s server says otherwise', () => {
    const { sessions } = servers();
    const readOnly = { ...LISTED, isReadOnly: true };
    const made = [
      agentTool(LISTED, HTTP, sessions, String),
      agentTool(readOnly, HTTP, sessions, String),
      agentTool(readOnly, PROGRAM, sessions, String),
      agentTool({ ...readOnly, description: '' }, undefined, sessions, String),
    ];
    assert.deepEqual(
      made.map(({ name, description, inputJson, writes }) => ({ name, description, inputJson, writes })),
      [true, false, true, true].map((writes, at) => ({
        name: 'mcp__srv__do',
        description: `From the MCP server srv, in its own words: ${at === 3 ? 'do' : 'Does it.'}`,
        inputJson: LISTED.inputSchema,
        writes,
      })),
    );
  });

  it('takes any object as arguments, but not what was none', () => {
    const { input } = agentTool(LISTED, HTTP, servers().sessions, String);
    const inputs = [{}, { a: 'x', b: 2 }, { malformed: '{"a": ' }];
    assert.deepEqual(
      inputs.map((one) => input.safeParse(one).success),
      [true, true, false],
    );
  });

  it('is called again where its server did nothing for certain, in a new conversation', async () => {
    const server = servers(new ServerFailure('forgotten', 'answered with status 404'));
    assert.equal(await run({}, server), 'done');
    assert.deepEqual(server.log, ['do {"a":1}', 'close', 'do {"a":1}']);
  });

  it('is called again where that is the same as once, and only once more', async () => {
    const once = servers(lost);
    const never = servers(lost, lost, lost);
    assert.deepEqual(
      [await run({ isIdempotent: true }, once), await run({ isIdempotent: true }, never), never.log.length],
      ['done', 'ToolProblem: The MCP server srv ended the connection.', 2],
    );
  });

  it('is not called again where nobody knows what it did', async () => {
    const server = servers(lost);
    assert.deepEqual(
      [await run({}, server), server.log],
      [
        'ToolProblem: The MCP server srv ended the connection. Whether the call took effect is unknown.',
        ['do {"a":1}'],
      ],
    );
  });

  it('is not called where a relay that was killed may have, unless that is the same as once', async () => {
    const server = servers();
    const again = (): ToolContext => context({ mcp: 'decided by another' });
    assert.deepEqual(
      [await run({}, server, again()), [...server.log], await run({ isIdempotent: true }, server, again())],
      ['ToolProblem: [interrupted: whether it took effect is unknown]', [], 'done'],
    );
  });

  it('keeps what is left out of its result, for who reads on', async () => {
    const text = 'x'.repeat(30_002);
    const kept: Record<string, unknown> = {};
    const shown = await run(
      { isIdempotent: true },
      servers({ content: [{ type: 'text', text }] }),
      context(kept),
    );
    assert.deepEqual(
      [kept, shown],
      [
        { page: text },
        `${'x'.repeat(15_000)}\n[2 characters left out here; read output://t1:m1c1/page shows them]\n${'x'.repeat(15_000)}`,
      ],
    );
  });
});
