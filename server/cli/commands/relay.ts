import { setFlagsFromString } from 'node:v8';
import { startRelay } from '../../main.ts';
import { readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { onInterrupt } from '../interrupts.ts';
import { stopRelay } from '../local-relay.ts';

const LAST_WORDS_MS = 500;

/** Serves until it is interrupted. Says `relay ready <url>` on stdout, once, and nothing else there. */
export const relay: Command = async (args, { out, err, env }) => {
  const { values } = readArguments(args, { stop: { type: 'boolean' } });
  if (values.stop) {
    const url = await stopRelay(env);
    err(url === undefined ? 'No relay runs on this data folder.\n' : `The relay at ${url} has stopped.\n`);
    return 0;
  }
  keepGarbageSmall();
  // From the first moment on: whoever reads the ready line may end it at once.
  const interrupted = Promise.withResolvers<void>();
  const forget = onInterrupt((count) => {
    if (count > 1) process.exit(1);
    interrupted.resolve();
  });
  const running = await startRelay({ env }).catch((error: unknown) => {
    // What a half-done start set going (the engine's timers) must not keep the process alive; its words get out first.
    setTimeout(() => process.exit(1), LAST_WORDS_MS).unref();
    throw error;
  });
  out(`relay ready ${running.url}\n`);
  if (running.alreadyRunning) {
    err('It was running already; stop it with `npm start -- relay --stop`.\n');
    forget();
    return 0;
  }
  void interrupted.promise.then(() => running.close());
  await running.closed;
  forget();
  // The engine's own timers would keep the process alive; what they would do is the next relay's.
  process.exit(0);
};

/**
 * A turn makes much garbage that dies young, and V8 lets that grow to tens of MiB before it looks; forks of a bigger process take
 * longer, too. Measured with 20 sessions at once: see `npm run bench sessions`.
 */
function keepGarbageSmall(): void {
  setFlagsFromString('--max-semi-space-size=4');
}
