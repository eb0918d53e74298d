import { createRecent } from '../repo/recent.ts';
import type { RepoDeps } from '../repo/repository.ts';
import { readHandbookFiles } from './handbook-files.ts';
import { type BaseHandbook, parseHandbook } from './parse-handbook.ts';

/** What the tree that a task began from tells its agents. */
export type HandbookOf = (taskId: string, baseTree: string) => Promise<BaseHandbook>;

/** UTF-16 units of handbooks that are remembered. */
const REMEMBERED = 20_000_000;

/** It is a function of the tree alone, so it is read once in a process: the turns of a task, and tasks of one commit, share it. */
export function createHandbookOf(deps: RepoDeps): HandbookOf {
  const recent = createRecent<BaseHandbook>(REMEMBERED, weightOf);
  return async (taskId, baseTree) => {
    const known = recent.get(baseTree);
    if (known !== undefined) return known;
    const read = await parseHandbook(await readHandbookFiles(deps, taskId, baseTree));
    recent.set(baseTree, read);
    return read;
  };
}

const weightOf = ({ roles, skills, commands }: BaseHandbook): number =>
  [
    ...roles.map(({ instructions }) => instructions ?? ''),
    ...skills.map(({ body }) => body),
    ...commands.map(({ template }) => template),
  ].reduce((sum, text) => sum + text.length, 1000);
