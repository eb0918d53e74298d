import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Server } from './servers.ts';
import type { Session } from './session.ts';

/** The conversations of one turn with its servers. */
export interface Sessions {
  /** The one with this server: of a server in a sandbox, the one in that sandbox, for agents may have copies of their own. */
  with(server: Server, sandbox: Sandbox): Promise<Session>;
  close(): Promise<void>;
}

/** @param turnId begins the ids of the servers' commands, which end with the turn at the latest */
export function createSessions(turnId: string): Sessions {
  const open = new Map<string, Promise<Session>>();
  let isOver = false;

  return {
    async with(server, sandbox) {
      const key = server.kind === 'http' ? server.name : `${server.name} ${sandbox.ref.id}`;
      const known = open.get(key);
      if (known !== undefined && !(await known).isClosed) return known;
      // Of several who find it closed, one opens it anew.
      const current = open.get(key);
      if (current !== undefined && current !== known) return current;
      const opening = connect(turnId, server, sandbox);
      open.set(key, opening);
      opening.catch(() => {
        if (open.get(key) === opening) open.delete(key);
      });
      if (isOver) void opening.then((late) => late.close()).catch(() => {});
      return opening;
    },
    async close() {
      isOver = true;
      await Promise.allSettled([...open.values()].map(async (session) => (await session).close()));
    },
  };
}

/** The library is loaded when the first server is spoken to: most relays have none. */
async function connect(turnId: string, server: Server, sandbox: Sandbox): Promise<Session> {
  const { openSession } = await import('./session.ts');
  if (server.kind === 'http') {
    const { httpTransport } = await import('./http-transport.ts');
    return openSession(httpTransport(server));
  }
  const { sandboxTransport } = await import('./sandbox-transport.ts');
  const { command, env } = server;
  const start = (asks: 'auto' | 'legacy'): Promise<Session> => {
    const execId = `${turnId}:mcp:${server.name}:${randomUUID()}`;
    return openSession(sandboxTransport(sandbox, { execId, command, env }), asks);
  };
  try {
    return await start('legacy');
  } catch (error) {
    // Programs of before the newest revision may end at a question that they do not know, so only who refuses the older one is asked.
    const { ServerFailure } = await import('./failure.ts');
    if (!(error instanceof ServerFailure) || error.kind !== 'refused') throw error;
    return start('auto');
  }
}
