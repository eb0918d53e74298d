import { posix } from 'node:path';
import type { Evidence } from '../../protocol/agents.ts';
import { blobOf } from '../../repo/blob-of.ts';
import { type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import { ToolProblem } from '../tools/tool.ts';
import { AGENT_LIMITS } from './limits.ts';

type Place = Omit<Evidence, 'blob'>;

/**
 * Ties places to the files that they are in, as whoever names them saw those. What was changed beside it since is no evidence: the lines
 * may say something else by now, and nothing would ever show that.
 * @param known SHA-256 of what was last seen of a file, null of what was not there or is known to be another by now; undefined where it
 * was only searched or printed by a command
 * @throws {ToolProblem} naming each that is not there, or not as it was seen
 */
export async function withBlobs(
  sandbox: Sandbox,
  places: readonly Place[],
  known: (path: string) => string | null | undefined,
): Promise<Evidence[]> {
  const files = new Map<string, File>();
  // One after the other: together they could take half a gigabyte of the relay's memory.
  for (const { path } of places) {
    if (!files.has(path)) files.set(path, await fileAt(sandbox, path, known(path)));
  }
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
    `The report is not taken, for some evidence is not there: ${[...new Set(problems)].join('; ')}. Look again, and report once more.`,
  );
}

type File = { path: string; blob: string; lines: number } | { problem: string };

function problemWith({ path, startLine, endLine }: Place, file: File): string | undefined {
  if ('problem' in file) return file.problem;
  if (endLine < startLine) return `${path}:${startLine}-${endLine} ends before it begins`;
  if (endLine > file.lines) return `${path}:${startLine}-${endLine} is beyond the file’s ${file.lines} lines`;
  return undefined;
}

async function fileAt(sandbox: Sandbox, path: string, seen: string | null | undefined): Promise<File> {
  const relative = posix.relative(sandbox.workdir, posix.resolve(sandbox.workdir, path));
  try {
    const { data, size, sha256 } = await sandbox.readFile(relative, {
      offset: 0,
      length: AGENT_LIMITS.evidenceFileBytes,
    });
    if (seen !== undefined && seen !== sha256) {
      return { problem: `${path} has changed since you looked at it, read it again` };
    }
    if (data.byteLength < size) return { problem: `${path} is too large` };
    return { path: relative, blob: blobOf(data), lines: linesOf(data) };
  } catch (error) {
    if (error instanceof SandboxError) return { problem: error.message };
    throw error;
  }
}

function linesOf(data: Uint8Array): number {
  let lines = 0;
  for (const byte of data) if (byte === 10) lines += 1;
  return data.byteLength > 0 && data.at(-1) !== 10 ? lines + 1 : lines;
}

/** What a file is now; null where there is none, undefined where it is larger than anything that evidence is taken from. */
export async function blobAt(sandbox: Sandbox, path: string): Promise<string | null | undefined> {
  try {
    const { data, size } = await sandbox.readFile(path, {
      offset: 0,
      length: AGENT_LIMITS.evidenceFileBytes,
    });
    return data.byteLength < size ? undefined : blobOf(data);
  } catch (error) {
    if (error instanceof SandboxError && (error.code === 'not-found' || error.code === 'is-directory')) {
      return null;
    }
    throw error;
  }
}
