import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../fakes/git.ts';
import { commitAll } from '../fakes/sample.ts';
import type { Repository } from './bench.ts';

/** In one folder. */
const IN_FOLDER = 100;
/** Lines of some 70 bytes: a file has about 10 kB, the repository 50 MB. */
const LINES = 140;

/** The path of the `n`th file, from 0. */
export const filePath = (n: number): string =>
  `${folderPath(n)}/module-${String(n % IN_FOLDER).padStart(2, '0')}.ts`;
export const folderPath = (n: number): string =>
  `src/part-${String(Math.floor(n / IN_FOLDER)).padStart(2, '0')}`;

/** A line that is in that file once, and in no other. */
export const lineOf = (n: number, revision: number): string => `export const revision${n} = ${revision};`;

/** Makes a repository of so many files (a multiple of 100) of 10 kB each, in one commit. The same every time. */
export async function createRepository(directory: string, files: number): Promise<Repository> {
  for (let n = 0; n < files; n += IN_FOLDER) await mkdir(join(directory, folderPath(n)), { recursive: true });
  for (let n = 0; n < files; n += IN_FOLDER) {
    await Promise.all(
      Array.from({ length: IN_FOLDER }, (_, i) =>
        writeFile(join(directory, filePath(n + i)), contentOf(n + i)),
      ),
    );
  }
  await commitAll(directory);
  return { directory, commit: (await git(directory, ['rev-parse', 'HEAD'])).trim() };
}

function contentOf(n: number): string {
  const lines = [lineOf(n, 0)];
  for (let line = 1; line < LINES; line++) {
    // Numbers that differ from file to file keep Git from storing all of them as one.
    const value = (n * LINES + line) * 2_654_435_761;
    lines.push(`export const value${line} = compute(${value}, 'name of value ${line}');`);
  }
  return `${lines.join('\n')}\n`;
}
