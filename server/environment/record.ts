import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** Small files of the relay's own in a machine, which go where the machine goes. Who works in it can change them. */

const MOST_BYTES = 32 * 1024;
const TIMEOUT_MS = 10_000;

/** Never more than its first 32 KiB, whatever is there by now. @returns undefined where there is none */
export async function readRecord(sandbox: Sandbox, name: string): Promise<string | undefined> {
  const { exitCode, stdout } = await sandbox.exec({
    execId: `environment:record:${randomUUID()}`,
    argv: ['head', '-c', String(MOST_BYTES), '--', `${sandbox.scratchdir}/${name}`],
    cwd: '/',
    timeoutMs: TIMEOUT_MS,
    maxOutputBytes: 2 * MOST_BYTES,
  });
  return exitCode === 0 ? Buffer.concat([stdout.head, stdout.tail]).toString() : undefined;
}

export const writeRecord = (sandbox: Sandbox, name: string, text: string): Promise<void> =>
  sandbox.putScratch(name, Buffer.from(text));
