import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../sandbox.ts';
import { EXEC_MARK } from '../supervisor/processes.ts';

/** Every process of a command carries its id, and this one carries its own. `$1` is the mark and what the ids begin with. */
const LOOK = `
for environ in /proc/[0-9]*/environ; do
  if tr '\\0' '\\n' <"$environ" 2>/dev/null | grep -q -F -- "$1"; then exit 0; fi
done
exit 1
`;
const LOOK_LIMIT_MS = 10_000;

/** Whether something runs there that commands left whose ids begin so. Where it cannot be told, nothing is. */
export async function leftRunning(sandbox: Sandbox, prefix: string): Promise<boolean> {
  const { exitCode } = await sandbox.exec({
    execId: `look:${randomUUID()}`,
    argv: ['sh', '-c', LOOK, 'handoff', `${EXEC_MARK}=${prefix}`],
    cwd: '/',
    timeoutMs: LOOK_LIMIT_MS,
    maxOutputBytes: 0,
  });
  return exitCode === 0;
}
