import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RelayClient } from '../../protocol/client.ts';
import { CliError, type Terminal, UsageError } from '../command.ts';

/**
 * `tasks export <task> <file>`: the whole task as a file that only its owner reads, for the conversation is in it.
 * The file is there whole or not at all.
 * @throws {CliError} where the file exists and `force` is not set, or cannot be written
 */
export async function exportTask(
  connect: () => Promise<Pick<RelayClient, 'exportTask'>>,
  [taskId, name, ...more]: string[],
  force: boolean,
  { err, cwd }: Terminal,
): Promise<void> {
  if (taskId === undefined || name === undefined || more.length > 0) {
    throw new UsageError('tasks export needs the task and one file: tasks export ID FILE');
  }
  const file = path.resolve(cwd, name);
  const there = await stat(file).catch(() => undefined);
  if (there && !there.isFile()) throw new CliError(`${file} is not a file.`, 'Name a file to write to.');
  if (there && !force) throw exists(file);
  const bytes = await (await connect()).exportTask(taskId);
  const beside = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(beside, bytes, { mode: 0o600, flag: 'wx' });
    // A link refuses to take the place of a file that came meanwhile; a rename would not.
    if (force) await rename(beside, file);
    else await link(beside, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw exists(file);
    throw new CliError(
      `${file} cannot be written: ${messageOf(error)}`,
      'Name a file in a folder that exists and that you may write to.',
      error,
    );
  } finally {
    await rm(beside, { force: true });
  }
  err(`Task ${taskId} is in ${file} (${bytes.byteLength} bytes).\n`);
}

/**
 * `tasks import <file>`: prints the id of the task that it makes.
 * @throws {CliError} where the file cannot be read; the relay refuses one that is no task
 */
export async function importTask(
  connect: () => Promise<Pick<RelayClient, 'importTask'>>,
  [name, ...more]: string[],
  { out, err, cwd }: Terminal,
): Promise<void> {
  if (name === undefined || more.length > 0) {
    throw new UsageError('tasks import needs one file: tasks import FILE');
  }
  const file = path.resolve(cwd, name);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new CliError(whyUnreadable(file, error), 'Name a file that `tasks export` wrote.', error);
  });
  const { taskId } = await (await connect()).importTask(bytes);
  out(`${taskId}\n`);
  err(`Imported ${file}; look at it with npm start -- tasks ${taskId}\n`);
}

function exists(file: string): CliError {
  return new CliError(`${file} exists already.`, 'Name another file, or replace it with --force.');
}

function whyUnreadable(file: string, error: unknown): string {
  if (codeOf(error) === 'ENOENT') return `There is no file ${file}.`;
  if (codeOf(error) === 'EISDIR') return `${file} is not a file.`;
  return `${file} cannot be read: ${messageOf(error)}`;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
