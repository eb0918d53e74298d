import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** A file copy of a template, beside the workspace: what is written to it is part of no proposal, and goes with the machine. */

const TIMEOUT_MS = 5 * 60_000;
/** How the script says that there is no template. */
const NO_TEMPLATE = 66;

/** `$1` is the template and `$2` the copy, which appears whole. A journal that was not merged belongs to the database. */
const COPY_SCRIPT = `
set -eu
[ -e "$2" ] && exit 0
[ -f "$1" ] || exit ${NO_TEMPLATE}
mkdir -p -- "$(dirname -- "$2")"
rm -f -- "$2-wal"
[ ! -f "$1-wal" ] || cp -- "$1-wal" "$2-wal"
cp -- "$1" "$2.part"
chmod u+w -- "$2.part"
mv -- "$2.part" "$2"
`;

/** Where it is, absolute in the machine, whether it was made yet or not. */
export const sqlitePath = (sandbox: Sandbox, template: string): string =>
  posix.join(sandbox.scratchdir, 'database', posix.basename(template));

/** The way to write an absolute path that SQLAlchemy, Django, Rails and sqlx agree on. */
export const sqliteUrl = (path: string): string => `sqlite:///${path}`;

/**
 * Makes the copy where the machine has none.
 * @param template relative to the workspace
 * @returns what is in the way, for the person; undefined where it is there
 */
export async function copySqlite(
  sandbox: Sandbox,
  template: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const result = await sandbox.exec(
    {
      execId: `environment:sqlite:${randomUUID()}`,
      argv: [
        'sh',
        '-c',
        COPY_SCRIPT,
        'handoff',
        posix.join(sandbox.workdir, template),
        sqlitePath(sandbox, template),
      ],
      cwd: '/',
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: 4096,
    },
    { signal },
  );
  signal.throwIfAborted();
  if (result.exitCode === 0) return undefined;
  if (result.exitCode === NO_TEMPLATE) {
    return `The repository asks for a copy of the database file ${template}, and it is not there: commit it, or have setup make it.`;
  }
  const said = Buffer.concat([result.stderr.head, result.stderr.tail]).toString().trim().slice(-500);
  return `The database file ${template} could not be copied. ${said || result.reason}`;
}
