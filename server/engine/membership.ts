import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { acquireAdvisoryLock, tryAdvisoryLock } from './advisory-lock.ts';
import { LEASE_S, TURN_FORMAT } from './claims.ts';
import { every } from './every.ts';

/** This relay's place among those that share a database. */
export interface Membership {
  /** Whether another relay was seen lately. */
  hasPeers(): boolean;
  close(): Promise<void>;
}

/** A relay that no longer lives. */
export interface DeadRelay {
  relayId: string;
  host: string;
}

/** How often (ms) a relay says that it lives and looks after the others. */
const BEAT_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;
/** A connection that does not answer for so long (ms) is given up, and with it the lock: another one is made. */
const ANSWER_TIMEOUT_MS = 5000;
/** How long (ms) the last look may take when the relay ends. */
const LEAVE_MS = 2000;

/** A machine that vanished is noticed in about ten seconds. */
const KEEPALIVES =
  'SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3';

/** The key of a relay's advisory lock. */
const LOCK = `hashtextextended('handoff-relay:' || $1, 0)`;

/**
 * Joins the relays that share a database. A relay lives while its connection holds the advisory lock of its id: the database lets go
 * of that the moment the process dies. One whose lock is free at two looks in a row is dead; one that holds it and is silent has
 * its connection ended, and is dead then. `onDead` gets each, also this relay's own former life, before anything else begins; it
 * may be told of one again, and by several relays.
 *
 * A relay that was taken for dead and comes back simply joins again: what it had is fenced.
 */
export async function joinRelays(options: {
  url: string;
  relayId: string;
  host: string;
  version: string;
  onDead: (dead: DeadRelay) => Promise<void>;
  logger: Logger;
}): Promise<Membership> {
  const { relayId, host, logger } = options;
  let client: pg.Client | undefined;
  let peers = 0;
  let suspects = new Set<string>();

  const connect = async (): Promise<pg.Client> => {
    const next = new pg.Client({
      connectionString: options.url,
      application_name: `handoff-relay:${relayId}`,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5000,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
    });
    next.on('error', () => {});
    try {
      await next.connect();
      await next.query(KEEPALIVES);
      // Waits where a peer is just taking over what this relay had.
      await acquireAdvisoryLock(next, LOCK, [relayId]);
      await next.query(
        `INSERT INTO handoff.relays (relay_id, host, version, format) VALUES ($1, $2, $3, $4)
         ON CONFLICT (relay_id) DO UPDATE SET host = $2, version = $3, format = $4, seen_at = now()`,
        [relayId, host, options.version, TURN_FORMAT],
      );
    } catch (error) {
      await next.end().catch(() => {});
      throw error;
    }
    next.once('end', () => {
      if (client === next) client = undefined;
      suspects = new Set();
    });
    return next;
  };

  const beat = async (): Promise<void> => {
    try {
      await look();
    } catch (error) {
      // Whatever it was, this connection is not to be relied on.
      const broken = client;
      client = undefined;
      void broken?.end().catch(() => {});
      throw error;
    }
  };

  const look = async (): Promise<void> => {
    client ??= await connect();
    await client.query('UPDATE handoff.relays SET seen_at = now() WHERE relay_id = $1', [relayId]);
    const { rows } = await client.query<DeadRelay & { isSilent: boolean }>(
      `SELECT relay_id AS "relayId", host, seen_at < now() - make_interval(secs => ${LEASE_S}) AS "isSilent"
       FROM handoff.relays WHERE relay_id <> $1`,
      [relayId],
    );
    peers = rows.filter(({ isSilent }) => !isSilent).length;
    const free = new Set<string>();
    for (const peer of rows) {
      if (peer.isSilent) await endConnection(client, peer.relayId);
      await whileHolding(client, peer.relayId, async () => {
        free.add(peer.relayId);
        if (suspects.has(peer.relayId)) await bury(peer);
      });
    }
    suspects = free;
  };

  /** Its row stays where its machine is another: whoever runs there next has to look after what only it can reach. */
  const bury = async (dead: DeadRelay): Promise<void> => {
    await options.onDead(dead);
    if (dead.host === host && dead.relayId !== relayId) {
      await client?.query('DELETE FROM handoff.relays WHERE relay_id = $1', [dead.relayId]);
    }
  };

  client = await connect();
  await options.onDead({ relayId, host });
  const beats = every(BEAT_MS, beat, (error) =>
    logger.warn({ err: error }, 'the other relays cannot be seen'),
  );

  return {
    hasPeers: () => peers > 0,
    async close() {
      // Where the database is away, the last look waits for it; the relay's end does not.
      await Promise.race([beats.stop(), delay(LEAVE_MS)]);
      await Promise.race([client?.end().catch(() => {}), delay(LEAVE_MS)]);
    },
  };
}

/** Runs `work` if the relay's lock is free, and holds it meanwhile: of several that notice, one acts at a time. */
async function whileHolding(client: pg.Client, relayId: string, work: () => Promise<void>): Promise<void> {
  if (!(await tryAdvisoryLock(client, LOCK, [relayId]))) return;
  try {
    await work();
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${LOCK})`, [relayId]);
  }
}

/** The name it connected under is checked, because the system may have given its process id to another since. */
async function endConnection(client: pg.Client, relayId: string): Promise<void> {
  await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
    `handoff-relay:${relayId}`,
  ]);
}
