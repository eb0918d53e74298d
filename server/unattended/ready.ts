import { REPOSITORY_CONFIG, readRepositoryConfig } from '../protocol/repository-config.ts';
import type { TaskState, Turn } from '../protocol/task.ts';

/** The text of a tree's configuration, if it has one. */
export type ReadConfig = (taskId: string, tree: string) => Promise<string | undefined>;

/** Whether what a turn left may be opened with nobody asked; the names of the checks that it passed. */
export type Verdict = { isReady: true; checks: string[] } | { isReady: false; why: string };

/** The turn that may have left something: the last one, where it did all that was asked of it. */
export function completedTurn({ turns }: TaskState): Turn | undefined {
  const last = turns.at(-1);
  return last?.outcome === 'completed' ? last : undefined;
}

/**
 * Whether the checks of the repository, as it was and as it is to become, have all passed on that very tree. A check that the agent took away,
 * or that was never run, has not passed; and of a tree that nobody checked nothing is known.
 */
export async function verdict(
  read: ReadConfig,
  state: TaskState,
  { turn, baseTree, accepted }: { turn: Turn; baseTree: string; accepted: string },
): Promise<Verdict> {
  const no = (why: string): Verdict => ({ isReady: false, why });
  const wanted = new Set<string>();
  for (const tree of [baseTree, accepted]) {
    const text = await read(state.taskId, tree);
    const config = text === undefined ? undefined : readRepositoryConfig(text);
    if (config?.ok === false) return no(`${REPOSITORY_CONFIG} cannot be read`);
    for (const { name } of config?.config.checks ?? []) wanted.add(name);
  }
  if (wanted.size === 0) return { isReady: true, checks: [] };
  const checks = turn.checks ?? [];
  if (checks.some(({ tree }) => tree !== accepted)) return no('the checks have run on something else');
  const passed = new Set(checks.filter(({ outcome }) => outcome === 'passed').map(({ name }) => name));
  const missing = [...wanted].find((name) => !passed.has(name));
  return missing === undefined
    ? { isReady: true, checks: [...wanted] }
    : no(`the check ${JSON.stringify(missing)} has not passed`);
}
