import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

/** Runs `work` on the embedded database of the relay on this data folder. */
export async function withDatabase<T>(data: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const password = (await readFile(join(data, 'postgres-password'), 'utf8')).trim();
  const [, , , port] = (await readFile(join(data, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
  const client = new pg.Client({
    connectionString: `postgresql://handoff:${password}@127.0.0.1:${port}/handoff`,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
