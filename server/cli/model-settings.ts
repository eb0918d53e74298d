import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readConfigFile } from '../config.ts';
import { DATA_FILES } from '../protocol/locations.ts';
import { CliError } from './command.ts';
import { dataDirOf } from './local-relay.ts';

type Env = Record<string, string | undefined>;

export interface ModelSettings {
  HANDOFF_MODEL_BASE_URL: string;
  HANDOFF_MODEL: string;
  HANDOFF_MODEL_API_KEY: string;
}

/** What to do where no model is configured. */
export const MODEL_ADVICE =
  'Set HANDOFF_MODEL_BASE_URL (an OpenAI-compatible endpoint, such as https://api.example.com/v1), HANDOFF_MODEL and ' +
  'HANDOFF_MODEL_API_KEY, or run `npm start` in a terminal to be asked for them, or `npm start -- --demo` to try a scripted model.';

/** Where settings are kept. */
export function configFile(env: Env): string {
  return path.join(dataDirOf(env), DATA_FILES.config);
}

/**
 * Writes the settings into the data folder's config file, readable by its owner only; other settings in it stay.
 * @throws {AppError} where the file is there and is not a JSON object
 */
export function saveModelSettings(env: Env, settings: ModelSettings): void {
  const file = configFile(env);
  const merged = { ...readConfigFile(file), ...settings };
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(merged, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

/** @throws {CliError} where `text` cannot be an endpoint's address */
export function checkBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return text;
  throw new CliError(`"${text}" is not an http(s) address without a user name in it.`);
}
