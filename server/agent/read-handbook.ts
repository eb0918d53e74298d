import { endOfLessons, LESSONS_FILE } from '../handbook/lessons.ts';
import { HANDBOOK_LIMITS } from '../handbook/limits.ts';
import { type Sandbox, SandboxError } from '../sandbox/sandbox.ts';
import type { Handbook } from './handbook.ts';

/**
 * Reads what the repository tells its agents in the workspace: AGENTS.md and lessons-learned.md of its root. These and no others, for an
 * agent may have been asked to write just these, and its next turn is to go by what the person saw of that; they are words only, and let
 * it do nothing that it could not do before.
 */
export async function readRules(sandbox: Sandbox): Promise<Pick<Handbook, 'agentsMd' | 'lessons'>> {
  const [agentsMd, lessons] = await Promise.all([
    readText(sandbox, 'AGENTS.md', HANDBOOK_LIMITS.agentsMd),
    readText(sandbox, LESSONS_FILE, HANDBOOK_LIMITS.lessonsFile),
  ]);
  return {
    agentsMd,
    lessons: lessons === undefined ? undefined : endOfLessons(lessons, HANDBOOK_LIMITS.lessons),
  };
}

/** The file's beginning, or undefined where there is nothing to read. */
async function readText(sandbox: Sandbox, path: string, most: number): Promise<string | undefined> {
  try {
    const { data } = await sandbox.readFile(path, { offset: 0, length: most });
    const text = new TextDecoder().decode(data);
    return text.trim() === '' ? undefined : text;
  } catch (error) {
    if (error instanceof SandboxError) return undefined;
    throw error;
  }
}
