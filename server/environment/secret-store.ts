import type { Database } from '../engine/database.ts';
import { AppError } from '../errors.ts';
import {
  type PutSecret,
  type SecretStored,
  type SecretSummary,
  SHORTEST_MASKED,
} from '../protocol/secrets.ts';
import { isFileUrl } from '../repo/source-url.ts';
import { repositoryIdentity } from './repository-identity.ts';
import { KEY_ID, otherKey, seal, unseal } from './seal.ts';
import type { VaultKey } from './vault-key.ts';

/** What became of the secrets that a repository asked for: placed by value, not there, or there but for other repositories. */
export interface Granted {
  values: Record<string, string>;
  unknown: string[];
  notAllowed: string[];
}

/** Secrets of the people who use this relay. */
export interface SecretStore {
  list(owner: string): Promise<SecretSummary[]>;
  /** @throws {AppError} `bad_request` for an address that names no repository, `conflict` where relays have different keys */
  put(owner: string, name: string, secret: PutSecret): Promise<SecretStored>;
  /** @throws {AppError} `not_found` */
  remove(owner: string, name: string): Promise<void>;
  /** Which of `names` the owner allowed for exactly this repository. @throws {AppError} `conflict` */
  granted(owner: string, repository: string | undefined, names: string[]): Promise<Granted>;
  /**
   * Whether the task came in a file. Then its record is a stranger's word, and above all the address of its repository, which would
   * open what was allowed for that.
   */
  isImported(taskId: string): Promise<boolean>;
  /** Notes that they were placed. */
  used(owner: string, names: string[]): Promise<void>;
}

/** How exactly (ms) it is known when a secret was last used: not worth a write at every command. */
const USED_WITHIN_MS = 60_000;

const SUMMARY = `name, repositories, created_at::float8 AS "createdAt", updated_at::float8 AS "updatedAt", used_at::float8 AS "usedAt"`;
type Row = Omit<SecretSummary, 'usedAt'> & { usedAt: number | null };
const summary = ({ usedAt, ...row }: Row): SecretSummary => ({
  ...row,
  ...(usedAt === null ? {} : { usedAt }),
});

/** @param key asked for when it is needed: a relay without secrets makes none */
export function createSecretStore(deps: {
  database: Database;
  key: () => Promise<VaultKey>;
  /** Whether a folder of this machine may be one of the person's repositories. */
  mayReadFiles: (owner: string) => boolean;
  now: () => number;
}): SecretStore {
  const { database, now } = deps;
  const about = (owner: string, name: string, repositories: string[]) => [owner, name, ...repositories];

  return {
    async list(owner) {
      const { rows } = await database.query<Row>(
        `SELECT ${SUMMARY} FROM handoff.secrets WHERE owner = $1 ORDER BY name`,
        [owner],
      );
      return rows.map(summary);
    },

    async put(owner, name, { value, repositories: addresses }) {
      const repositories = await identities(addresses, deps.mayReadFiles(owner));
      const key = await deps.key();
      const { rows: others } = await database.query(
        `SELECT 1 FROM handoff.secrets
         WHERE owner = $1 AND name <> $2 AND substring(sealed FROM ${KEY_ID.at + 1} FOR ${KEY_ID.bytes}) <> $3 LIMIT 1`,
        [owner, name, key.id],
      );
      if (others.length > 0) throw otherKey(key);
      const { rows } = await database.query<Row>(
        `INSERT INTO handoff.secrets (owner, name, sealed, repositories, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (owner, name) DO UPDATE SET sealed = $3, repositories = $4, updated_at = $5
         RETURNING ${SUMMARY}`,
        [owner, name, seal(key, value, about(owner, name, repositories)), repositories, now()],
      );
      const [row] = rows;
      if (row === undefined) throw new Error('the secret was not stored');
      return { ...summary(row), masked: value.length >= SHORTEST_MASKED };
    },

    async remove(owner, name) {
      // Asked for again after a broken connection, it may be gone by the first time.
      const known = await database.query('SELECT 1 FROM handoff.secrets WHERE owner = $1 AND name = $2', [
        owner,
        name,
      ]);
      if (known.rows.length === 0) {
        throw new AppError('not_found', `You have no secret ${name}.`, {
          nextAction: 'List them: npm start -- secrets list.',
        });
      }
      await database.query('DELETE FROM handoff.secrets WHERE owner = $1 AND name = $2', [owner, name]);
    },

    async granted(owner, repository, names) {
      const granted: Granted = { values: {}, unknown: [], notAllowed: [] };
      if (names.length === 0) return granted;
      const { rows } = await database.query<{ name: string; sealed: Buffer; repositories: string[] }>(
        'SELECT name, sealed, repositories FROM handoff.secrets WHERE owner = $1 AND name = ANY ($2)',
        [owner, names],
      );
      for (const name of names) {
        const row = rows.find((known) => known.name === name);
        if (row === undefined) granted.unknown.push(name);
        else if (repository === undefined || !row.repositories.includes(repository))
          granted.notAllowed.push(name);
        else
          granted.values[name] = unseal(await deps.key(), row.sealed, about(owner, name, row.repositories));
      }
      return granted;
    },

    async isImported(taskId) {
      const { rows } = await database.query(
        `SELECT 1 FROM handoff.events
         WHERE task_id = $1 AND key >= 'imported:' AND key < 'imported;' AND type = 'task.imported' LIMIT 1`,
        [taskId],
      );
      return rows.length > 0;
    },

    async used(owner, names) {
      if (names.length === 0) return;
      await database.query(
        'UPDATE handoff.secrets SET used_at = $3 WHERE owner = $1 AND name = ANY ($2) AND coalesce(used_at, 0) < $4',
        [owner, names, now(), now() - USED_WITHIN_MS],
      );
    },
  };
}

async function identities(addresses: string[], mayReadFiles: boolean): Promise<string[]> {
  const found = await Promise.all(
    addresses.map((address) =>
      // What is where on this machine is not for everybody to ask.
      mayReadFiles || !isFileUrl(address) ? repositoryIdentity(address) : undefined,
    ),
  );
  const odd = found.indexOf(undefined);
  if (odd >= 0) {
    // The address is not repeated: it may carry a password.
    throw new AppError(
      'bad_request',
      `The repository at place ${odd + 1} is none that this relay can tell.`,
      {
        nextAction:
          'Give its https or ssh address; a folder’s file:// address only where the relay is on your machine.',
      },
    );
  }
  return [...new Set(found.filter((identity) => identity !== undefined))].sort();
}
