import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../server/cli/main.ts', import.meta.url));
/** Of what a relay prints, what is kept for a failure, in characters. */
const KEPT_LOG = 6000;

/** A relay that may die at any time, also before it serves. */
export interface RelayProcess {
  pid: number;
  /** Its address once it serves; undefined where it ended before. */
  ready: Promise<string | undefined>;
  ended: Promise<void>;
  /** Its last words. */
  log(): string;
  signal(name: NodeJS.Signals): void;
}

/** @param env what it is configured with; nothing of the surrounding `HANDOFF_*` reaches it */
export function spawnRelay(env: Record<string, string>): RelayProcess {
  const outside = Object.entries(process.env).filter(([name]) => !/^(HANDOFF|DAYTONA)_/.test(name));
  const child = spawn(process.execPath, [CLI, 'relay'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(outside), ...env },
  });
  if (child.pid === undefined) throw new Error('the relay could not be started');
  let log = '';
  const keep = (text: string): void => {
    log = (log + text).slice(-KEPT_LOG);
  };
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = once(child, 'exit').then(() => {});
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<string>((resolve) =>
    lines.on('line', (line) => {
      keep(`${line}\n`);
      const url = /^relay ready (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    }),
  );
  return {
    pid: child.pid,
    ready: Promise.race([ready, ended.then(() => undefined)]),
    ended,
    log: () => log,
    signal: (name) => void child.kill(name),
  };
}
