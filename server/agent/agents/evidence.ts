import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Evidence } from '../../protocol/agents.ts';
import { type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import { ToolProblem } from '../tools/tool.ts';
import { AGENT_LIMITS } from './limits.ts';

type Place = Omit<Evidence, 'blob'>;

/**
 * Ties places to the files that they are in, as those are now.
 * @throws {ToolProblem} naming each that is not there
 */
export async function withBlobs(sandbox: Sandbox, places: readonly Place[]): Promise<Evidence[]> {
  const paths = [...new Set(places.map(({ path }) => path))];
  const files = new Map(
    await Promise.all(paths.map(async (path) => [path, await fileAt(sandbox, path)] as const)),
  );
  const problems: string[] = [];
  const evidence = places.flatMap((place): Evidence[] => {
    const file = files.get(place.path);
    const problem = file && problemWith(place, file);
    if (file === undefined || problem !== undefined || 'problem' in file) {
      problems.push(problem ?? `${place.path} cannot be read`);
      return [];
    }
    return [{ ...place, path: file.path, blob: file.blob }];
  });
  if (problems.length === 0) return evidence;
  throw new ToolProblem(
    `The report is not taken, for some evidence is not there: ${problems.join('; ')}. Look again, and report once more.`,
  );
}

type File = { path: string; blob: string; lines: number } | { problem: string };

function problemWith({ path, startLine, endLine }: Place, file: File): string | undefined {
  if ('problem' in file) return file.problem;
  if (endLine < startLine) return `${path}:${startLine}-${endLine} ends before it begins`;
  if (endLine > file.lines) return `${path}:${startLine}-${endLine} is beyond the file’s ${file.lines} lines`;
  return undefined;
}

async function fileAt(sandbox: Sandbox, path: string): Promise<File> {
  const relative = posix.relative(sandbox.workdir, posix.resolve(sandbox.workdir, path));
  try {
    const { data, size } = await sandbox.readFile(relative, {
      offset: 0,
      length: AGENT_LIMITS.evidenceFileBytes,
    });
    if (data.byteLength < size) return { problem: `${path} is too large` };
    return { path: relative, blob: blobOf(data), lines: linesOf(data) };
  } catch (error) {
    if (error instanceof SandboxError) return { problem: error.message };
    throw error;
  }
}

/** The name that Git gives to a file's content. */
export const blobOf = (data: Uint8Array): string =>
  createHash('sha1').update(`blob ${data.byteLength}\0`).update(data).digest('hex');

function linesOf(data: Uint8Array): number {
  let lines = 0;
  for (const byte of data) if (byte === 10) lines += 1;
  return data.byteLength > 0 && data.at(-1) !== 10 ? lines + 1 : lines;
}

/** What a file is now; null where there is none. */
export async function blobAt(sandbox: Sandbox, path: string): Promise<string | null> {
  try {
    return blobOf((await sandbox.readFile(path)).data);
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'not-found') return null;
    throw error;
  }
}
