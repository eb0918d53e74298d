import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RelayProcess, spawnRelay } from '../support/relay-process.ts';

/** One relay of several on the same database and machine, which dies and comes back when it is told to. */
export interface Member {
  url: string;
  /** By which the others know it. */
  id(): Promise<string>;
  start(): Promise<void>;
  /** @returns when, in milliseconds since 1970 */
  kill(): Promise<number>;
  pause(): void;
  resume(): void;
  log(): string;
  close(): Promise<void>;
}

export function createMember(url: string, data: string, settings: Record<string, string>): Member {
  let relay: RelayProcess | undefined;
  let printed = '';
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const ending = relay;
    relay = undefined;
    ending?.signal('SIGCONT');
    ending?.signal(signal);
    await ending?.ended;
    printed = ending?.log() ?? printed;
  };
  return {
    url,
    id: async () => (await readFile(join(data, 'relay-id'), 'utf8')).trim(),
    async start() {
      relay = spawnRelay({ ...settings, HANDOFF_DATA: data });
      if ((await relay.ready) === undefined) throw new Error(`the relay did not start:\n${relay.log()}`);
    },
    async kill() {
      const at = Date.now();
      await end('SIGKILL');
      return at;
    },
    pause: () => relay?.signal('SIGSTOP'),
    resume: () => relay?.signal('SIGCONT'),
    log: () => printed + (relay?.log() ?? ''),
    close: () => end('SIGTERM'),
  };
}
