import { AppError } from '../../errors.ts';
import { isSetBy } from '../../repo/set-workspace.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { workspaceTreeOf } from '../../tasks/next-proposal.ts';
import { assertHeld } from '../turn-context.ts';
import type { Work } from './unmerged.ts';
import type { WorkingTurn } from './workspaces.ts';

/** What a workspace gets of an agent's work. Decided once, as of what was there then. */
interface MergePlan {
  /** See `TurnRepo.settingOf`. */
  before: string;
  ours: string;
  tree: string;
  conflicts: string[];
}

/** Characters of what an agent was asked to do that a conflict marker shows. */
const LABEL_LENGTH = 60;

/**
 * The plan by which that machine's workspace gets an agent's work, and what its setting is named: the one that was made before a kill, as
 * long as nobody else has set the workspace since; else a new one, of what is there now.
 * @param isAgain whether bringing it home has failed already: what of a plan did not begin then may not fit what the machine holds
 */
export async function mergePlanFor(
  turn: WorkingTurn,
  machine: Sandbox,
  agentId: string,
  { treeBefore, treeAfter }: Work & { treeBefore: string },
  isAgain: boolean,
): Promise<MergePlan & { name: string }> {
  const { taskId, repo, store, states } = turn;
  let past: MergePlan | undefined;
  for (let attempt = 0; ; attempt++) {
    const nth = attempt === 0 ? '' : `:${attempt}`;
    const name = `${agentId}:merged${nth}`;
    const earlier = past;
    let isNew = false;
    const plan = await store.memo(taskId, `${agentId}:merge${nth}`, async (): Promise<MergePlan> => {
      isNew = true;
      await assertHeld(turn);
      const known = workspaceTreeOf(await states.current(taskId), await baseTreeOf(turn));
      const before = await repo.settingOf(machine);
      const { headTree: ours } = await repo.capture(taskId, machine, known);
      if (earlier && (await isDone(turn, earlier, ours)))
        return { before, ours, tree: ours, conflicts: earlier.conflicts };
      const labels = { ours: 'this workspace', theirs: await labelOf(turn, agentId) };
      const trees = { taskId, base: treeBefore, ours, theirs: treeAfter, labels };
      return { before, ours, ...(await repo.merge(trees)) };
    });
    if (isNew) return { ...plan, name };
    const note = await repo.settingOf(machine);
    if (isSetBy(note, name) || (note === plan.before && !isAgain)) return { ...plan, name };
    past = plan;
  }
}

/** Whether what a plan changes is there: it was carried out, and somebody else has set the workspace since. */
async function isDone({ repo, taskId }: WorkingTurn, plan: MergePlan, now: string): Promise<boolean> {
  if (plan.ours === plan.tree) return false;
  const planned = await repo.changedBlobs(taskId, plan.ours, plan.tree);
  const since = await repo.changedBlobs(taskId, plan.tree, now);
  return [...planned.keys()].every((path) => !since.has(path));
}

export async function baseTreeOf({ store, taskId }: WorkingTurn): Promise<string> {
  const baseTree = (await store.get(taskId))?.prepared?.baseTree;
  if (baseTree === undefined) throw new AppError('not_ready', 'The repository of the task is not here yet.');
  return baseTree;
}

async function labelOf(turn: WorkingTurn, agentId: string): Promise<string> {
  const started = await turn.log.find(turn.taskId, `${agentId}:agent`);
  const about = started?.type === 'agent.started' ? started.description : '';
  const line = about.replaceAll(/\s+/g, ' ').trim().slice(0, LABEL_LENGTH).toWellFormed();
  return line === '' ? 'the subagent' : `the subagent: ${line}`;
}
