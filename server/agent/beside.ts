import { NO_SERVERS, type ServedTurn, type TurnServers } from '../mcp/turn-servers.ts';
import type { HookConfig } from '../protocol/repository-config.ts';
import { isOutOfHands, type TurnContext, tell } from './turn-context.ts';

/** What works beside the agents of a turn: commands around what they do, and servers whose tools they have. */
export interface Beside {
  hooks: readonly HookConfig[];
  servers: TurnServers;
}

/** How a turn comes by it. */
export interface BesideTurns {
  hooks(taskId: string): Promise<readonly HookConfig[]>;
  servers(turn: ServedTurn): Promise<TurnServers>;
}

export const NOTHING_BESIDE: Beside = { hooks: [], servers: NO_SERVERS };

/** No server keeps a turn from going on, nor a person from stopping it: where none can be asked, there are none. */
export async function openBeside(turn: TurnContext): Promise<Beside> {
  const { taskId, turnId, besideTurns } = turn;
  const hooks = await besideTurns.hooks(taskId);
  const signal = await turn.signals.of(turn.claim);
  const opening = besideTurns.servers({
    taskId,
    turnId,
    open: () => turn.sandboxes.open(taskId),
    memo: (key, compute) => turn.store.memo(taskId, key, compute),
    note: (key, text) => tell(turn, { key, event: { type: 'environment.noted', text } }),
    hide: (text) => turn.hide(taskId, text),
  });
  try {
    return { hooks, servers: await unlessStopped(opening, signal) };
  } catch (error) {
    if (isOutOfHands(error)) throw error;
    turn.logger.error({ taskId, turnId, err: error }, 'the turn goes on without MCP servers');
    return { hooks, servers: NO_SERVERS };
  }
}

async function unlessStopped(opening: Promise<TurnServers>, signal: AbortSignal): Promise<TurnServers> {
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => stopped.resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const servers = await Promise.race([opening, stopped.promise]);
  signal.removeEventListener('abort', stop);
  if (servers !== undefined) return servers;
  void opening.then((late) => late.close()).catch(() => {});
  return NO_SERVERS;
}
