import { type RelayProcess, spawnRelay } from './relay-process.ts';

/** A relay that is started again whenever it dies, as by a service manager. */
export interface KeptRelay {
  /** Resolves once one has served. */
  up: Promise<void>;
  /** Rejects where it dies again and again before it serves; never resolves. */
  failed: Promise<never>;
  /** How often it died. */
  deaths(): number;
  /** Kills what runs now; the next one is on its way when this resolves. */
  kill(): Promise<void>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** What the relays printed last. */
  log(): string;
  /** Ends it as an operator would, for good. */
  close(): Promise<void>;
}

/** So many deaths in a row before it served, without progress, are a relay that cannot start. */
const MOST_FALSE_STARTS = 3;

/** @param hasProgress whether a relay that died before it served got on with something nevertheless */
export function keepRelay(
  settings: Record<string, string>,
  hasProgress: () => boolean = () => false,
): KeptRelay {
  const up = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  const served = Promise.race([up.promise, failed.promise]);
  // Who waits for it hears of it; perhaps nobody does.
  served.catch(() => {});
  let isClosing = false;
  let deaths = 0;
  let falseStarts = 0;
  let relay: RelayProcess = start();

  function start(): RelayProcess {
    const started = spawnRelay(settings);
    void started.ready.then((url) => {
      if (url === undefined) return;
      falseStarts = 0;
      up.resolve();
    });
    void started.ended.then(() => {
      if (isClosing) return;
      deaths += 1;
      falseStarts = hasProgress() ? 0 : falseStarts + 1;
      if (falseStarts > MOST_FALSE_STARTS) {
        failed.reject(new Error(`the relay does not start:\n${started.log()}`));
        return;
      }
      relay = start();
    });
    return started;
  }

  return {
    up: served,
    failed: failed.promise,
    deaths: () => deaths,
    async kill() {
      const { ended } = relay;
      relay.signal('SIGKILL');
      await ended;
    },
    signal: (name) => relay.signal(name),
    log: () => relay.log(),
    async close() {
      isClosing = true;
      const { ended } = relay;
      relay.signal('SIGCONT');
      relay.signal('SIGTERM');
      await ended;
    },
  };
}
