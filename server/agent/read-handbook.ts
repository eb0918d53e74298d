import { endOfLessons, LESSONS_FILE } from '../handbook/lessons.ts';
import { HANDBOOK_LIMITS } from '../handbook/limits.ts';
import { type Sandbox, SandboxError } from '../sandbox/sandbox.ts';
import type { Handbook } from './handbook.ts';

/**
 * Bytes that are read for each UTF-16 unit that is shown, which takes three at most: what is cut off has then been read far enough for a
 * secret at the cut to be known as one.
 */
const BYTES_PER_UNIT = 4;

/**
 * Reads what the repository tells its agents in the workspace: AGENTS.md and lessons-learned.md of its root. These and no others, for an
 * agent may have been asked to write just these, and its next turn is to go by what the person saw of that; they are words only, and let
 * it do nothing that it could not do before. Of one that is too long it says so, and how to read the rest.
 * @param hide what may be shown of a text: commands may have written a secret there
 */
export async function readRules(
  sandbox: Pick<Sandbox, 'readFile'>,
  hide: (text: string) => string,
): Promise<Pick<Handbook, 'agentsMd' | 'lessons'>> {
  const [agentsMd, lessons] = await Promise.all([
    readBeginning(sandbox, 'AGENTS.md', HANDBOOK_LIMITS.agentsMd, hide),
    orNothing(() => readLessons(sandbox, HANDBOOK_LIMITS.lessons, hide)),
  ]);
  return { agentsMd, lessons };
}

/**
 * A file of rules, or its first `most` UTF-16 units and that there are more; undefined where there is nothing to read.
 * @param hide see `readRules`
 */
export function readBeginning(
  sandbox: Pick<Sandbox, 'readFile'>,
  path: string,
  most: number,
  hide: (text: string) => string,
): Promise<string | undefined> {
  return orNothing(async () => {
    const { data, size } = await sandbox.readFile(path, { offset: 0, length: most * BYTES_PER_UNIT });
    const isWhole = size <= data.byteLength;
    // Leaves out a character of which there is only a part.
    const text = hide(new TextDecoder().decode(data, { stream: !isWhole }));
    if (isWhole && text.length <= most) return text;
    return `${text.slice(0, most).toWellFormed()}\n[${path} is longer: ${size} bytes. Read the rest where you need it.]`;
  });
}

async function readLessons(
  sandbox: Pick<Sandbox, 'readFile'>,
  most: number,
  hide: (text: string) => string,
): Promise<string> {
  const length = most * BYTES_PER_UNIT;
  const first = await sandbox.readFile(LESSONS_FILE, { offset: 0, length });
  const { size } = first;
  const isWhole = size <= first.data.byteLength;
  const { data } = isWhole
    ? first
    : await sandbox.readFile(LESSONS_FILE, { offset: Math.max(0, size - length), length });
  return endOfLessons({ text: hide(new TextDecoder().decode(data)), isWhole, size }, most);
}

/** Undefined where there is nothing to read. */
async function orNothing(read: () => Promise<string>): Promise<string | undefined> {
  try {
    const text = await read();
    return text.trim() === '' ? undefined : text;
  } catch (error) {
    if (error instanceof SandboxError) return undefined;
    throw error;
  }
}
