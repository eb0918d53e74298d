import assert from 'node:assert/strict';
import type { Tool } from '@modelcontextprotocol/client';
import { chosen } from '../../../server/mcp/listing.ts';
import type { Server } from '../../../server/mcp/servers.ts';

const SERVER: Server = { name: 'srv', kind: 'http', url: 'https://srv.example', headers: {} };
const tool = (name: string, more: Partial<Tool> = {}): Tool => ({
  name,
  inputSchema: { type: 'object' },
  ...more,
});
const listed = (name: string) => ({
  name: `mcp__srv__${name}`,
  server: 'srv',
  tool: name,
  description: '',
  inputSchema: { type: 'object' },
  isReadOnly: false,
  isIdempotent: false,
});

describe('the tools of an MCP server', () => {
  it('are taken as they are told of, and believed only in what makes them more careful', () => {
    const schema = { type: 'object' as const, properties: { q: { type: 'string' } }, required: ['q'] };
    const { tools, problems } = chosen(
      SERVER,
      [
        tool('plain'),
        tool('look', {
          description: ' Looks\u001b[2J ',
          inputSchema: schema,
          annotations: { readOnlyHint: true },
        }),
        tool('set', { annotations: { readOnlyHint: false, idempotentHint: true } }),
        tool('plain', { description: 'a second one of that name' }),
      ],
      String,
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(tools, [
      listed('plain'),
      {
        ...listed('look'),
        description: 'Looks[2J',
        inputSchema: schema,
        isReadOnly: true,
        isIdempotent: true,
      },
      { ...listed('set'), isIdempotent: true },
    ]);
  });

  it('are those that were asked for, and it is told of those that are not there', () => {
    const server: Server = { ...SERVER, tools: ['b', 'gone'] };
    assert.deepEqual(chosen(server, [tool('a'), tool('b')], String), {
      tools: [listed('b')],
      problems: ['The MCP server srv has no tool gone.'],
    });
  });

  it('are bounded in number and in size', () => {
    const huge = { type: 'object' as const, description: 'x'.repeat(20_000) };
    const many = Array.from({ length: 70 }, (_, at) => tool(`t${at}`));
    const { tools, problems } = chosen(
      SERVER,
      [tool('huge', { inputSchema: huge }), tool('wordy', { description: 'w'.repeat(2_010) }), ...many],
      String,
    );
    assert.deepEqual(
      { count: tools.length, first: tools[0], problems },
      {
        count: 64,
        first: { ...listed('wordy'), description: `${'w'.repeat(2_000)} [10 more characters]` },
        problems: [
          'The tool huge of the MCP server srv is not used: it takes too much to describe its arguments.',
          'The MCP server srv has 71 tools, and 64 are used: name those that are needed in .handoff/config.json.',
        ],
      },
    );
  });

  it('are not those whose name is none, and the person is told of some and how many more', () => {
    const endless = 'e'.repeat(129);
    const many = Array.from({ length: 3_000 }, (_, at) => tool(`${endless}${at}`));
    const said = (name: string): string =>
      `The tool ${name} of the MCP server srv is not used: its name has ${name.length} characters.`;
    const { tools, problems } = chosen(SERVER, [tool(endless), tool('e'.repeat(128)), ...many], String);
    assert.deepEqual(
      { tools: tools.map((one) => one.tool), first: problems.slice(0, 2), last: problems.slice(10) },
      {
        tools: ['e'.repeat(128)],
        first: [said(endless), said(`${endless}0`)],
        last: ['There are 2991 more such problems with the MCP server srv.'],
      },
    );
  });

  it('are told of without what must not be shown, also where that would be cut', () => {
    const hide = (text: string): string => text.replaceAll('token-4711', '[secret]');
    const description = `${'w'.repeat(1_995)}token-4711`;
    const { tools } = chosen(SERVER, [tool('a', { description })], hide);
    assert.deepEqual(tools, [
      { ...listed('a'), description: `${'w'.repeat(1_995)}[secr [3 more characters]` },
    ]);
  });

  it('are told of in a sentence, and have schemas, without what must not be shown', () => {
    const hide = (text: string): string => text.replaceAll('token-4711', '[secret]');
    const server: Server = { ...SERVER, tools: [`${'n'.repeat(295)}token-4711`, 'a'] };
    const properties = { url: { type: 'string', default: 'https://x:token-4711@db' }, n: { maximum: 1 } };
    const inputSchema = { type: 'object' as const, properties };
    assert.deepEqual(chosen(server, [tool('a', { inputSchema })], hide), {
      tools: [
        {
          ...listed('a'),
          inputSchema: {
            type: 'object',
            properties: { url: { type: 'string', default: 'https://x:[secret]@db' }, n: { maximum: 1 } },
          },
        },
      ],
      problems: [`The MCP server srv has no tool ${'n'.repeat(295)}[secr.`],
    });
  });
});
