import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../server/cli/main.ts', import.meta.url));
/** Of what a relay prints, what is kept for a failure, in characters. */
const KEPT_LOG = 6000;

export interface RelayProcess {
  url: string;
  pid: number;
  /** Its last words. */
  log(): string;
  /** Ends it as an operator would, and waits. */
  close(): Promise<void>;
}

/**
 * Starts `handoff relay` as a process of its own and waits for its ready line.
 * @param env what it is configured with; nothing of the surrounding `HANDOFF_*` reaches it
 * @throws with its last words where it ends instead
 */
export async function startRelay(env: Record<string, string>): Promise<RelayProcess> {
  const outside = Object.entries(process.env).filter(([name]) => !/^(HANDOFF|DAYTONA)_/.test(name));
  const child = spawn(process.execPath, [CLI, 'relay'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(outside), ...env },
  });
  let log = '';
  const keep = (text: string) => (log = (log + text).slice(-KEPT_LOG));
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => keep(`${line}\n`));
  const ready = new Promise<string>((resolve) =>
    lines.on('line', (line) => {
      const url = /^relay ready (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    }),
  );
  const url = await Promise.race([ready, ended.then(() => undefined)]);
  if (url === undefined || child.pid === undefined) throw new Error(`the relay did not start:\n${log}`);
  return {
    url,
    pid: child.pid,
    log: () => log,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
