import { EventEmitter } from 'node:events';
import type { Connection } from '../relay/connection.ts';
import type { Setup } from './messages.ts';

export interface SetupDeps {
  connection: Connection;
  workspace: () => Promise<Pick<Setup, 'workspace' | 'repository'>>;
}

export type SetupWatch = ReturnType<typeof createSetup>;

/** What must be in place before a task can be delegated, kept up to date for the panel. */
export function createSetup({ connection, workspace }: SetupDeps) {
  const events = new EventEmitter<{ setup: [Setup] }>();
  let modelConfigured = true;
  let place: Pick<Setup, 'workspace' | 'repository'> = { workspace: 'ready' };

  const current = (): Setup => ({ ...relayPart(connection), modelConfigured, ...place });

  /** Asks the relay and the workspace again; connects first where need be. Never rejects: a lack is what it tells. */
  async function refresh(): Promise<Setup> {
    const [ready, found] = await Promise.all([
      connection.client().then(
        (client) => client.ready().catch(() => undefined),
        () => undefined,
      ),
      workspace(),
    ]);
    if (ready) modelConfigured = ready.modelConfigured;
    place = found;
    events.emit('setup', current());
    return current();
  }

  connection.events.on('state', () => events.emit('setup', current()));
  return { events, current, refresh };
}

function relayPart(connection: Connection): Pick<Setup, 'relay' | 'message' | 'nextAction'> {
  const state = connection.state();
  if (state.kind === 'connected' || state.kind === 'reconnecting') return { relay: state.kind };
  if (state.kind !== 'unavailable') return { relay: 'starting' };
  const { message, nextAction } = state.failure;
  return { relay: 'unavailable', message, ...(nextAction === undefined ? {} : { nextAction }) };
}
