import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA_FILES } from '../../../server/protocol/locations.ts';

/** The bearer token of the relay on this data folder. */
export async function readToken(data: string): Promise<string> {
  return (await readFile(join(data, DATA_FILES.token), 'utf8')).trim();
}
