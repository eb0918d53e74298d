import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDatabase } from './turn/database.ts';

/** How a secret may be disguised: as it is, and as Basic authentication and other encodings carry it. */
export const disguises = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('base64').slice(0, 20),
  Buffer.from(`x-access-token:${secret}`).toString('base64').slice(0, 40),
  Buffer.from(secret).toString('hex'),
  encodeURIComponent(secret),
];

/** Every row of every table of the relay's database, as text behind the table's name. */
export function databaseRows(data: string): Promise<string> {
  return withDatabase(data, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t`);
      texts.push(...rows.map(({ text }) => `${name} ${text}`));
    }
    assert.ok(
      tables.some(({ name }) => name.startsWith('dbos.')),
      'the journal was looked into',
    );
    return texts.join('\n');
  });
}

/** Every file below the data folder, Postgres's own and the sandboxes' included, as Latin-1 text by its path. */
export async function filesBelow(data: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    files[path.slice(data.length)] = content.toString('latin1');
  }
  return files;
}
