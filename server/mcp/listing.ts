import type { Tool as ServerTool } from '@modelcontextprotocol/client';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { LIMITS } from './limits.ts';
import { toolName } from './names.ts';
import { complaintOf, inLine, plain, sentence } from './result-text.ts';
import type { Server } from './servers.ts';
import type { Sessions } from './sessions.ts';

/** A tool as its server told of it when the turn began. Plain data: it is remembered, so that every request begins the same. */
export interface ListedTool {
  /** As the model calls it. */
  name: string;
  server: string;
  /** As its server calls it. */
  tool: string;
  description: string;
  inputSchema: Record<string, unknown>;
  /** What the server says of it: whether it changes nothing, and whether to call it twice is the same as once. */
  isReadOnly: boolean;
  isIdempotent: boolean;
}

export interface Listing {
  tools: ListedTool[];
  /** A sentence each, for the person. */
  problems: string[];
}

/** Asks all servers at once which tools they have. One that does not answer has none in this turn, and is told of. */
export async function listTools(
  servers: readonly Server[],
  sandbox: Sandbox,
  sessions: Sessions,
  hide: (text: string) => string,
): Promise<Listing> {
  const listed = await Promise.all(
    servers.map(async (server): Promise<Listing> => {
      try {
        const session = await sessions.with(server, sandbox);
        return chosen(server, await session.tools(), hide);
      } catch (error) {
        return {
          tools: [],
          problems: [
            `${sentence(`The MCP server ${server.name} ${why(error, hide)}`)} Its tools are not there in this turn.`,
          ],
        };
      }
    }),
  );
  const all = listed.flatMap((one) => one.tools);
  // A tool may be called as another is that had to be renamed: the first counts.
  const tools = all.filter(({ name }, at) => all.findIndex((one) => one.name === name) === at);
  const problems = listed.flatMap((one) => one.problems);
  if (tools.length > LIMITS.toolsTogether)
    problems.push(
      `The MCP servers have ${tools.length} tools together, and ${LIMITS.toolsTogether} are used: name those that are needed in .handoff/config.json.`,
    );
  return { tools: tools.slice(0, LIMITS.toolsTogether), problems };
}

const why = (error: unknown, hide: (text: string) => string): string =>
  error instanceof Error && error.name === 'ServerFailure'
    ? complaintOf(error.message, hide)
    : 'could not be used';

/**
 * What of a server's tools is used.
 * @param listed as a server that is not trusted wrote it @param hide strikes out what must not be shown
 */
export function chosen(
  server: Server,
  listed: readonly ServerTool[],
  hide: (text: string) => string,
): Listing {
  const problems: string[] = [];
  const wanted = new Set(server.tools ?? listed.map(({ name }) => name));
  const tools = new Map<string, ListedTool>();
  for (const { name, description = '', inputSchema, annotations = {} } of listed) {
    if (!wanted.has(name) || tools.has(name)) continue;
    if (name.length > LIMITS.name) {
      problems.push(
        `The tool ${inLine(name, hide)} of the MCP server ${server.name} is not used: its name has ${name.length} characters.`,
      );
      continue;
    }
    if (JSON.stringify(inputSchema).length > LIMITS.schema) {
      problems.push(
        `The tool ${inLine(name, hide)} of the MCP server ${server.name} is not used: it takes too much to describe its arguments.`,
      );
      continue;
    }
    const { readOnlyHint: isReadOnly = false, idempotentHint = false } = annotations;
    const isIdempotent = isReadOnly || idempotentHint;
    const said = { description: cut(hide(plain(description)).trim()), inputSchema: shown(inputSchema, hide) };
    tools.set(name, {
      name: toolName(server.name, name),
      server: server.name,
      tool: name,
      ...said,
      isReadOnly,
      isIdempotent,
    });
  }
  for (const name of server.tools ?? [])
    if (!listed.some((tool) => tool.name === name))
      problems.push(`The MCP server ${server.name} has no tool ${inLine(name, hide)}.`);
  if (tools.size > LIMITS.tools)
    problems.push(
      `The MCP server ${server.name} has ${tools.size} tools, and ${LIMITS.tools} are used: name those that are needed in .handoff/config.json.`,
    );
  return { tools: [...tools.values()].slice(0, LIMITS.tools), problems: told(server, problems) };
}

/** A schema without what must not be shown in its words; names of arguments are what its server takes. */
const shown = (schema: ServerTool['inputSchema'], hide: (text: string) => string): Record<string, unknown> =>
  JSON.parse(JSON.stringify(schema, (_name, value) => (typeof value === 'string' ? hide(value) : value)));

/** The person is told of each by itself. */
function told(server: Server, problems: string[]): string[] {
  const rest = problems.length - LIMITS.problems;
  if (rest <= 0) return problems;
  return [
    ...problems.slice(0, LIMITS.problems),
    `There are ${rest} more such problems with the MCP server ${server.name}.`,
  ];
}

const cut = (text: string): string =>
  text.length <= LIMITS.description
    ? text
    : `${text.slice(0, LIMITS.description).toWellFormed()} [${text.length - LIMITS.description} more characters]`;
