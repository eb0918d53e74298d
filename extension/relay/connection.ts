import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createRelayClient, type RelayClient } from '../../server/protocol/client.ts';
import type { Failure } from '../../server/protocol/errors.ts';
import { PROTOCOL_VERSION } from '../../server/protocol/version.ts';
import { ExpectedError, toFailure } from '../ui/failure.ts';
import type { Log } from '../ui/log.ts';
import type { RelayAddress } from './local-relay.ts';

export type ConnectionState =
  | { kind: 'idle' }
  | { kind: 'starting' }
  | { kind: 'connected'; url: string }
  | { kind: 'reconnecting' }
  | { kind: 'unavailable'; failure: Failure };

export interface ConnectionDeps {
  /** A relay that is there already; nothing where none is. */
  find(): Promise<RelayAddress | undefined>;
  /** A relay, started where need be. Throws `ExpectedError` where none can be had. */
  start(signal: AbortSignal): Promise<RelayAddress>;
  log: Log;
  /** How long a relay that went away may take to come back by itself before a new one is started, in ms. */
  graceMs?: number;
}

export type Connection = ReturnType<typeof createConnection>;

const GRACE_MS = 6000;
const RETRY_MS = 500;

/**
 * The way to the relay: made when first needed, made again when it was lost. Emits `state` on every change of it and
 * `client` when requests go to a relay of another address than before. Does nothing until it is asked.
 */
export function createConnection({ find, start, log, graceMs = GRACE_MS }: ConnectionDeps) {
  const events = new EventEmitter<{ state: [ConnectionState]; client: [RelayClient] }>();
  const closing = new AbortController();
  let state: ConnectionState = { kind: 'idle' };
  let current: { address: RelayAddress; client: RelayClient } | undefined;
  let attempt: Promise<RelayClient> | undefined;

  function change(next: ConnectionState): void {
    state = next;
    events.emit('state', next);
  }

  async function use(address: RelayAddress): Promise<RelayClient> {
    const client = createRelayClient(address);
    const { protocol, version } = await client.health();
    if (protocol !== PROTOCOL_VERSION) {
      throw new ExpectedError(
        'incompatible_client',
        `The relay at ${address.url} is of version ${version}, which this editor extension cannot speak to.`,
        'Stop that relay and try again, or update the older of the two.',
      );
    }
    // A wrong token is found here, not in the middle of something.
    await client.ready();
    const moved = current?.address.url !== address.url || current.address.token !== address.token;
    if (moved || current === undefined) current = { address, client };
    log.info(`connected to the relay at ${address.url}`);
    change({ kind: 'connected', url: address.url });
    if (moved) events.emit('client', current.client);
    return current.client;
  }

  function attemptWith(work: () => Promise<RelayAddress>): Promise<RelayClient> {
    attempt = work()
      .then(use)
      .catch((error: unknown) => {
        attempt = undefined;
        if (closing.signal.aborted) throw error;
        log.error(error instanceof Error ? error : String(error));
        change({ kind: 'unavailable', failure: toFailure(error) });
        throw error;
      });
    return attempt;
  }

  return {
    events,
    state: () => state,

    /** The relay's client, connecting first where need be. Rejects where that fails; the next call tries again. */
    client(): Promise<RelayClient> {
      if (attempt) return attempt;
      change({ kind: 'starting' });
      return attemptWith(async () => (await find()) ?? start(closing.signal));
    },

    /** Says that the relay stopped answering. It is looked for, and started again where it does not come back. */
    lost(): void {
      if (state.kind !== 'connected') return;
      change({ kind: 'reconnecting' });
      log.warn('the relay does not answer; looking for it');
      attemptWith(async () => {
        const deadline = Date.now() + graceMs;
        while (Date.now() < deadline) {
          const found = await find();
          if (found) return found;
          await delay(RETRY_MS, undefined, { signal: closing.signal });
        }
        return start(closing.signal);
      }).catch(() => {});
    },

    /** Looks whether a relay has come up that was not there before; starts none. Rejects where that one cannot be used. */
    async revive(): Promise<void> {
      if (state.kind !== 'unavailable') return;
      const found = await find();
      if (found && attempt === undefined) await attemptWith(async () => found);
    },

    /** Forgets the relay, after a setting or the token changed; the next call connects anew. */
    reset(): void {
      attempt = undefined;
      current = undefined;
      change({ kind: 'idle' });
    },

    dispose(): void {
      closing.abort();
      events.removeAllListeners();
    },
  };
}
