import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Who runs Postgres, and where its files may lie so that this user reaches them. */
export interface PostgresAccount {
  /** Absent: the relay's own user. */
  ids?: { uid: number; gid: number };
  /** The folder of the database cluster. */
  clusterDir: string;
  /** The folder of the placed binaries. */
  cacheDir: string;
}

/** Where things go that another user than root must reach, when the relay runs as root. */
const SYSTEM_DIR = '/var/lib/handoff';

/**
 * Postgres refuses to run as root. Then it runs as `postgres` where that user exists, else as `nobody`, and its files
 * lie outside folders which that user cannot enter (such as /root).
 */
export function postgresAccount(dataDir: string, env: Record<string, string | undefined>): PostgresAccount {
  if (process.getuid?.() !== 0) {
    const home = env.XDG_CACHE_HOME ?? join(env.HOME ?? dataDir, '.cache');
    return { clusterDir: join(dataDir, 'postgres'), cacheDir: join(home, 'handoff') };
  }
  const ids = account('postgres') ?? account('nobody') ?? { uid: 65534, gid: 65534 };
  const digest = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const clusterDir = isEnterable(dataDir)
    ? join(dataDir, 'postgres')
    : join(SYSTEM_DIR, `postgres-${digest}`);
  return { ids, clusterDir, cacheDir: SYSTEM_DIR };
}

function account(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Whether every folder on the way may be entered by anybody. */
function isEnterable(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    try {
      accessSync(at, constants.F_OK);
      if ((statSync(at).mode & 0o001) === 0) return false;
    } catch {
      return false;
    }
    if (at === dirname(at)) return true;
  }
}
