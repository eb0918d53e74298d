import assert from 'node:assert/strict';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { readHandle } from '../../../server/agent/tools/read-handle.ts';
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
    const result = async (lines: number) => {
      const text = Array.from({ length: lines }, (_, at) => `${at + 1}`.padStart(9, '0')).join('\n');
      const kept: Record<string, unknown> = {};
      const outcome = servers({ content: [{ type: 'text', text }] });
      const shown = String(await run({ isIdempotent: true }, outcome, context(kept)));
      const earlier = { name: 'mcp__srv__do', input: {}, output: shown };
      const reading: Pick<ToolContext, 'earlier' | 'remembered'> = {
        earlier: async () => earlier,
        remembered: async (_callId, key) => kept[key],
      };
      const page = { offset: lines > 100_000 ? 100_000 : lines, limit: 1, column: 1 };
      const handle = { callId: 't1:m1c1', part: 'page' };
      const read = await readHandle(handle, page, reading as ToolContext);
      return { shown: shown.split('\n').find((line) => line.startsWith('[')), read };
    };
    assert.deepEqual(
      [await result(3_001), await result(101_600)],
      [
        {
          shown: '[9 characters left out here; read output://t1:m1c1/page shows them]',
          read: '3001: 000003001',
        },
        {
          shown:
            '[985999 characters left out here; read output://t1:m1c1/page shows all but the last 999 of them]',
          read: '100000: 000100000',
        },
      ],
    );
  });

  it('tells of a failure in its server’s words, without what must not be shown, also where that is cut', async () => {
    const hide = (text: string): string => text.replaceAll('token-4711', '[secret]');
    const said = (message: string): Promise<unknown> =>
      agentTool(LISTED, HTTP, servers(new ServerFailure('refused', message)).sessions, hide)
        .run({}, context())
        .then(undefined, (error: Error) => `${error.name}: ${error.message}`);
    assert.deepEqual(
      [
        await said('answered with an error: not for token-4711'),
        await said(`${'x'.repeat(1_995)}token-4711`),
      ],
      [
        'ToolProblem: The MCP server srv answered with an error: not for [secret].',
        `ToolProblem: The MCP server srv ${'x'.repeat(1_995)}[secr.`,
      ],
    );
  });

  it('shows of its images as many as go into a request together, and names the others', async () => {
    const image = (bytes: number) => {
      const data = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(bytes - 6)]).toString('base64');
      return { type: 'image' as const, mimeType: 'image/gif', data };
    };
    const shown = async (sizes: number[]) => {
      const attached: number[] = [];
      const attach = async (_type: string, data: Uint8Array) => void attached.push(data.byteLength);
      const how = { ...context(), abilities: { images: true, pdf: false }, attach };
      const text = await run({}, servers({ content: sizes.map(image) }), how);
      return { attached, text };
    };
    const line = (bytes: number, how: string) => `[image, image/gif, ${bytes} bytes: ${how}]`;
    assert.deepEqual(
      [await shown(Array(9).fill(10)), await shown([2_000_000, 2_000_000, 1_750_000])],
      [
        {
          attached: Array(8).fill(10),
          text: [...Array(8).fill(line(10, 'shown below')), line(10, 'not shown')].join('\n'),
        },
        {
          attached: [2_000_000, 1_750_000],
          text: [
            line(2_000_000, 'shown below'),
            line(2_000_000, 'not shown'),
            line(1_750_000, 'shown below'),
          ].join('\n'),
        },
      ],
    );
  });
});
