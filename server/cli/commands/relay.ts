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
  const running = await startRelay({ env }).catch((error: unknown) => {
    // What a half-done start set going (the engine's timers) must not keep the process alive; its words get out first.
    setTimeout(() => process.exit(1), LAST_WORDS_MS).unref();
    throw error;
  });
  out(`relay ready ${running.url}\n`);
  if (running.alreadyRunning) {
    err('It was running already; stop it with `npm start -- relay --stop`.\n');
    return 0;
  }
  const forget = onInterrupt((count) => {
    if (count > 1) process.exit(1);
    void running.close();
  });
  await running.closed;
  forget();
  // The engine's own timers would keep the process alive; what they would do is the next relay's.
  process.exit(0);
};
