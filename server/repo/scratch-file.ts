import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { SCRIPT_ENV } from './sandbox-scripts.ts';
import { scriptFailure } from './workspace.ts';

const LOOK_LIMIT_MS = 30_000;
/** How the script says that there is no such file. */
const ABSENT = 66;

const LOOK_SCRIPT = `
[ -e "$2" ] || [ -L "$2" ] || exit ${ABSENT}
exec head -c "$1" -- "$2"
`;

/**
 * The beginning of a small file of the relay's own in a machine; who works there can have changed it.
 * @param name below the scratch folder
 * @param most bytes, whatever is there by now
 * @returns undefined only where there certainly is none: what could not be read may be there, and throws
 */
export async function readScratchFile(
  sandbox: Sandbox,
  name: string,
  most: number,
): Promise<string | undefined> {
  const path = `${sandbox.scratchdir}/${name}`;
  const result = await sandbox.exec({
    execId: `look:${randomUUID()}`,
    argv: ['sh', '-c', LOOK_SCRIPT, 'handoff', String(most), path],
    cwd: '/',
    env: SCRIPT_ENV,
    timeoutMs: LOOK_LIMIT_MS,
    maxOutputBytes: 2 * most,
  });
  if (result.reason === 'exit' && result.exitCode === ABSENT) return undefined;
  if (result.reason !== 'exit' || result.exitCode !== 0)
    throw scriptFailure('What is noted in the sandbox could not be read.', result);
  return Buffer.concat([result.stdout.head, result.stdout.tail]).toString();
}
