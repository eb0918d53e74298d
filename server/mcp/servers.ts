import * as z from 'zod';
import { type McpConfig, McpName } from '../protocol/repository-config.ts';

/** MCP servers of the relay's owner, by name. Secret: addresses and headers carry credentials. */
export const OwnersServers = z.record(
  McpName,
  z.object({
    url: z.url({ protocol: /^https?$/ }),
    headers: z.record(z.string().regex(/^[\w-]+$/), z.string()).default({}),
  }),
);
export type OwnersServers = z.infer<typeof OwnersServers>;

/** A server whose tools the agents of a task get. */
export type Server = {
  name: string;
  /** Names of its tools, as it has them; all where absent. */
  tools?: readonly string[];
} & (
  | { kind: 'sandbox'; command: readonly string[]; env: Record<string, string> }
  | { kind: 'http'; url: string; headers: Record<string, string> }
);

/**
 * Which servers a task has: those of the relay's owner, as far as the repository wants them, and those that the repository runs in its
 * sandbox. A repository never chooses an address, so what is reached from the relay is the owner's word alone.
 * @param wishes undefined where they cannot be read: then it has none
 */
export function serversOf(
  owners: OwnersServers,
  wishes: Record<string, McpConfig> | undefined,
): { servers: Server[]; problems: string[] } {
  if (wishes === undefined) return { servers: [], problems: [] };
  const problems: string[] = [];
  const servers: Server[] = [];
  for (const [name, { url, headers }] of Object.entries(owners)) {
    const wish = wishes[name];
    if (wish?.off) continue;
    if (wish?.command !== undefined)
      problems.push(
        `The MCP server ${name} of the repository is not used: the relay’s owner has one of that name.`,
      );
    const tools = wish?.command === undefined ? wish?.tools : undefined;
    servers.push({ name, kind: 'http', url, headers, ...(tools === undefined ? {} : { tools }) });
  }
  for (const [name, wish] of Object.entries(wishes)) {
    if (wish.off || Object.hasOwn(owners, name)) continue;
    const { command, env = {}, tools } = wish;
    if (command === undefined)
      problems.push(
        `The repository asks for the MCP server ${name}, and the relay’s owner has none of that name (HANDOFF_MCP).`,
      );
    else servers.push({ name, kind: 'sandbox', command, env, ...(tools === undefined ? {} : { tools }) });
  }
  // In one order, whatever order they were written in: requests that begin the same hit the provider's cache.
  servers.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { servers, problems };
}
