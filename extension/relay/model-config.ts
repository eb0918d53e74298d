import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { DATA_FILES } from '../../server/protocol/locations.ts';
import { ExpectedError } from '../ui/failure.ts';

/** The keys of the relay's configuration that say which model it uses. */
export interface ModelConfig {
  HANDOFF_MODEL_BASE_URL: string;
  HANDOFF_MODEL: string;
  HANDOFF_MODEL_API_KEY: string;
}

/** What is configured now, without the key: it is never shown again. */
export async function readModelConfig(dataDir: string): Promise<{ baseUrl: string; model: string }> {
  const config = await readConfig(path.join(dataDir, DATA_FILES.config));
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return { baseUrl: text(config['HANDOFF_MODEL_BASE_URL']), model: text(config['HANDOFF_MODEL']) };
}

/**
 * Writes the model into the relay's configuration, readable by its owner only; other keys stay. The relay reads it by itself.
 * @throws {ExpectedError} where the file is there and is not a JSON object
 */
export async function writeModelConfig(dataDir: string, model: ModelConfig): Promise<void> {
  const file = path.join(dataDir, DATA_FILES.config);
  const config = { ...(await readConfig(file)), ...model };
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // Written beside it and moved into place: the relay never reads half a file.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
}

async function readConfig(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new ExpectedError(
      'bad_request',
      `${file} is not a JSON object.`,
      'Mend it or remove it, then try again.',
      cause,
    );
  }
}

/** Whether this can be the address of an endpoint: http(s), and no user name or password in it. */
export function isEndpoint(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}
