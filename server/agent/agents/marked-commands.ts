import { randomUUID } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';

/**
 * What a command leaves running can wipe its environment, leave its session and lose its parent, and then nothing of that says whose it
 * is. A hard limit is inherited by all that it starts and cannot be raised again: so a command whose processes have to be found is given
 * a lower one than all others in the machine have. It is that of POSIX message queues, which builds and tests do not use; a byte less
 * takes nothing from those who do. Where the kernel has no such limit, nothing is marked, and nothing more found than by `killAll`.
 */
const MARK_SCRIPT = `
most=$(ulimit -H -q 2>/dev/null) || most=0
[ "$most" != unlimited ] || most=819200
ulimit -q "$((most - 1))" 2>/dev/null
exec "$@"
`;

/**
 * Kills whoever has a lower limit than this very command, until there is none: until no process began while all were looked at, or three
 * looks in a row found none, for in a machine where others work processes begin all the time. Builtins only, for there may be no room
 * for a process more; the line of the limit is always the thirteenth, and looking for it takes ten times as long.
 */
const END_SCRIPT = `
set -f
most=$(ulimit -H -q 2>/dev/null) || exit 0
[ "$most" != unlimited ] || most=819200
newest() { read -r _ _ _ _ newest 2>/dev/null </proc/loadavg || newest=$RANDOM; }
clean=0
while :; do
  newest
  before=$newest found=''
  set +f
  processes=(/proc/[0-9]*)
  set -f
  for process in "\${processes[@]}"; do
    line=() stat=''
    { mapfile -t -s 13 -n 1 line <"$process/limits"; } 2>/dev/null
    set -- \${line-}
    [ "\${2-}" = msgqueue ] || continue
    limit=\${5-}
    case $limit in '' | *[!0-9]*) continue ;; esac
    [ "$limit" -lt "$most" ] || continue
    { IFS= read -r -N 4096 stat <"$process/stat"; } 2>/dev/null
    case \${stat##*) } in [ZXx]*) continue ;; esac
    kill -9 "\${process#/proc/}" 2>/dev/null
    found=1
  done
  if [ -n "$found" ]; then clean=0; continue; fi
  newest
  clean=$((clean + 1))
  [ "$newest" != "$before" ] && [ "$clean" -lt 3 ] || exit 0
done
`;

/** Milliseconds for the killing: a look takes a few, and a process in the middle of a system call dies a moment later. */
const END_LIMIT_MS = 10_000;

/** The sandbox for commands of which nothing may be left: `endMarked` finds all that they start. */
export const marking = (sandbox: Sandbox): Sandbox => ({
  ...sandbox,
  exec: (request, options) =>
    sandbox.exec({ ...request, argv: ['bash', '-c', MARK_SCRIPT, 'handoff', ...request.argv] }, options),
});

/** Ends all that commands of `marking` left, in this machine and whoever's they were. @throws where that cannot be said */
export async function endMarked(sandbox: Sandbox): Promise<void> {
  const { exitCode, reason } = await sandbox.exec({
    execId: `end-marked:${randomUUID()}`,
    argv: ['bash', '-c', END_SCRIPT],
    cwd: '/',
    timeoutMs: END_LIMIT_MS,
    maxOutputBytes: 1024,
  });
  // A machine that stopped under it has ended everything.
  if (exitCode === 0 || reason === 'lost') return;
  throw new AppError('sandbox_unavailable', 'What a command left running could not be ended.', {
    nextAction: 'Send a message to go on.',
  });
}
