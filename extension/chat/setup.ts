import { EventEmitter } from 'node:events';
import type { Connection } from '../relay/connection.ts';
import type { Setup } from './messages.ts';

export interface SetupDeps {
  connection: Connection;
  workspace: () => Promise<Pick<Setup, 'workspace' | 'repository'>>;
  /** The uncommitted work that a new task would take along; nothing where the repository is not plain. */
  work: () => Promise<Setup['work']>;
}

export type SetupWatch = ReturnType<typeof createSetup>;

/** What must be in place before a task can be delegated, kept up to date for the panel. */
export function createSetup({ connection, workspace, work }: SetupDeps) {
  const events = new EventEmitter<{ setup: [Setup] }>();
  let modelConfigured = true;
  let place: Pick<Setup, 'workspace' | 'repository'> = { workspace: 'ready' };
  let taken: Setup['work'];
  let looking: Promise<void> | undefined;

  const current = (): Setup => ({
    ...relayPart(connection),
    modelConfigured,
    ...place,
    ...(taken && { work: taken }),
  });

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
    void lookAtWork();
    return current();
  }

  /** Apart from the rest, for it reads files. Never rejects: what cannot be read is said when it is to be sent. */
  function lookAtWork(): Promise<void> {
    looking ??= work()
      .catch(() => undefined)
      .then((found) => {
        looking = undefined;
        if (JSON.stringify(found) === JSON.stringify(taken)) return;
        taken = found;
        events.emit('setup', current());
      });
    return looking;
  }

  connection.events.on('state', () => events.emit('setup', current()));
  return { events, current, refresh, lookAtWork };
}

function relayPart(connection: Connection): Pick<Setup, 'relay' | 'message' | 'nextAction'> {
  const state = connection.state();
  if (state.kind === 'connected' || state.kind === 'reconnecting') return { relay: state.kind };
  if (state.kind !== 'unavailable') return { relay: 'starting' };
  const { message, nextAction } = state.failure;
  return { relay: 'unavailable', message, ...(nextAction === undefined ? {} : { nextAction }) };
}
