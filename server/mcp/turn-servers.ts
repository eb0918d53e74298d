import { createHash } from 'node:crypto';
import type { Tool } from '../agent/tools/tool.ts';
import { createMask, type Secret } from '../environment/mask.ts';
import type { McpConfig } from '../protocol/repository-config.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { type Listing, listTools } from './listing.ts';
import { type OwnersServers, type Server, serversOf } from './servers.ts';
import { createSessions } from './sessions.ts';
import { agentTool } from './tools.ts';

/** What a turn has of MCP servers. */
export interface TurnServers {
  /** The same, in the same order, for as long as the turn goes on. Those that change nothing do not write. */
  tools: readonly Tool[];
  /** Lets go of the servers. Not to be waited for where somebody waits. */
  close(): Promise<void>;
}

/** What a turn gives for it. */
export interface ServedTurn {
  taskId: string;
  turnId: string;
  /** The task's machine. */
  open(): Promise<Sandbox>;
  memo<T>(key: string, compute: () => Promise<T>): Promise<T>;
  /** Tells the person, once in a task for each `key`. */
  note(key: string, text: string): Promise<void>;
  /** What may be shown of a text that came from the task's machine. */
  hide(text: string): string;
}

export const NO_SERVERS: TurnServers = { tools: [], close: async () => {} };

/**
 * Which servers there are, and what tools they have, is asked once in a turn, when it begins: all its requests begin the same. A turn that
 * is continued asks nothing, and speaks to a server when its first tool is called. Nothing is done where no server is configured.
 */
export function createTurnServers(deps: {
  owners: OwnersServers;
  /** What the task's repository says of servers; undefined where that cannot be read. */
  wishes: (taskId: string) => Promise<Record<string, McpConfig> | undefined>;
}): (turn: ServedTurn) => Promise<TurnServers> {
  const { owners, wishes } = deps;
  const mask = createMask(credentialsOf(owners));

  return async (turn) => {
    const { servers, problems } = serversOf(owners, await wishes(turn.taskId));
    if (servers.length === 0 && problems.length === 0) return NO_SERVERS;
    const sessions = createSessions(turn.turnId);
    const hide = (text: string): string => mask?.text(turn.hide(text)) ?? turn.hide(text);
    const listing = await turn.memo(`${turn.turnId}:mcp`, async (): Promise<Listing> => {
      const listed = await listTools(servers, await turn.open(), sessions, hide);
      return { tools: listed.tools, problems: [...problems, ...listed.problems].map(hide) };
    });
    for (const problem of listing.problems) await turn.note(`mcp:noted:${digest(problem)}`, problem);
    const find = (name: string): Server | undefined => servers.find((server) => server.name === name);
    return {
      tools: listing.tools.map((tool) => agentTool(tool, find(tool.server), sessions, hide)),
      close: sessions.close,
    };
  };
}

/** What the owner's servers are sent and nobody else is to see, also where a server repeats it: of a header, each word of some length. */
function credentialsOf(owners: OwnersServers): Secret[] {
  return Object.entries(owners).flatMap(([name, { url, headers }]) => {
    const { username, password, searchParams } = new URL(url);
    const words = [...Object.values(headers), ...searchParams.values(), username, password].flatMap((value) =>
      [value, ...value.split(/\s+/)].filter((word) => word.length >= SHORTEST_CREDENTIAL),
    );
    return [...new Set(words)].map((value) => ({ name: `of the MCP server ${name}`, value }));
  });
}

/** Shorter words (`Bearer`) are no credentials, and would be missing in texts. */
const SHORTEST_CREDENTIAL = 8;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
