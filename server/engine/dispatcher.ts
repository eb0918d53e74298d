import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Claim, Claims } from './claims.ts';
import { QUEUE_CHANNEL } from './claims.ts';
import { every } from './every.ts';
import { createJournal, HandedOver, type Journal } from './journal.ts';
import type { Notices } from './notices.ts';

/** Runs turns: claims what waits, as long as there is something, and gives back what it cannot finish. */
export interface Dispatcher {
  /** There may be something to claim. */
  wake(): void;
  /** Begins no step from now on, and waits until what runs has been given back; at most `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /** Acts upon nothing any more: the process is about to end, and whoever claims its turns goes on from the log. */
  freeze(): void;
}

/** How often (ms) to look without having been told: what was passed over, and notices that were lost. */
const LOOK_ANYWAY_MS = 1000;
/** How much later (ms) than an idle relay one asks, for each turn that it runs: so turns go to who has least to do. */
const DEFERENCE_MS = 10;
const MOST_DEFERENCE_MS = 200;
/** How long (ms) a turn rests that broke off in a way that nobody foresaw: twice as long each time, up to a bound. */
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 5 * 60_000;

export function createDispatcher(deps: {
  claims: Claims;
  /** Runs a turn to its end, or until it is parked. */
  run: (journal: Journal, claim: Claim) => Promise<void>;
  /** Whether other relays might claim. */
  hasPeers: () => boolean;
  /** Called every second, when what could be claimed was. */
  onIdle: () => Promise<void>;
  notices: Pick<Notices, 'subscribe'>;
  logger: Pick<Logger, 'error' | 'warn'>;
  /** Milliseconds. */
  firstRestMs?: number;
}): Dispatcher {
  const { claims, logger } = deps;
  const draining = new AbortController();
  const frozen = new AbortController();
  /** By the turn's id, until it has ended or was given back. */
  const running = new Map<string, Promise<void>>();
  const next = (): Promise<Claim | undefined> => claims.next([...running.keys()]);
  /** How often a turn broke off, since it last did not. */
  const breaks = new Map<string, number>();
  let looking: Promise<void> | undefined;
  let isWanted = false;

  async function runOne(claim: Claim): Promise<void> {
    const journal = createJournal({ draining: draining.signal, frozen: frozen.signal });
    try {
      await deps.run(journal, claim);
      breaks.delete(claim.turnId);
    } catch (error) {
      if (!(error instanceof HandedOver)) {
        logger.error({ taskId: claim.taskId, turnId: claim.turnId, err: error }, 'a turn broke off');
        const before = breaks.get(claim.turnId) ?? 0;
        breaks.set(claim.turnId, before + 1);
        await delay(Math.min(LONGEST_REST_MS, (deps.firstRestMs ?? FIRST_REST_MS) * 2 ** before));
      }
      await journal.settled();
      if (!frozen.signal.aborted) await claims.handBack(claim);
    }
  }

  async function look(): Promise<void> {
    while (isWanted && !draining.signal.aborted) {
      isWanted = false;
      if (deps.hasPeers()) await delay(Math.min(MOST_DEFERENCE_MS, running.size * DEFERENCE_MS));
      for (let claim = await next(); claim; claim = await next()) {
        begin(claim);
        if (draining.signal.aborted) return;
        if (deps.hasPeers()) await delay(Math.min(MOST_DEFERENCE_MS, running.size * DEFERENCE_MS));
      }
    }
  }

  function begin(claim: Claim): void {
    const turn = runOne(claim).catch((error: unknown) =>
      logger.error({ turnId: claim.turnId, err: error }, 'a turn could not be given back'),
    );
    running.set(claim.turnId, turn);
    void turn.finally(() => {
      if (running.get(claim.turnId) === turn) running.delete(claim.turnId);
      wake();
    });
  }

  function wake(): void {
    isWanted = true;
    looking ??= look()
      .catch((error: unknown) => logger.warn({ err: error }, 'the queue could not be read'))
      .finally(() => {
        looking = undefined;
        if (isWanted && !draining.signal.aborted) wake();
      });
  }

  async function tick(): Promise<void> {
    wake();
    await looking;
    await claims.releaseLost();
    await deps.onIdle();
  }

  const unsubscribe = deps.notices.subscribe(QUEUE_CHANNEL, wake);
  const looks = every(LOOK_ANYWAY_MS, tick, (error) =>
    logger.warn({ err: error }, 'what waits could not be looked after'),
  );

  return {
    wake,
    async drain(graceMs) {
      draining.abort();
      void looks.stop();
      unsubscribe();
      const grace = Promise.withResolvers<void>();
      const end = setTimeout(grace.resolve, graceMs);
      const done = (async () => {
        await looking;
        await Promise.all(running.values());
      })();
      await Promise.race([done, grace.promise]);
      clearTimeout(end);
    },
    freeze: () => frozen.abort(),
  };
}
