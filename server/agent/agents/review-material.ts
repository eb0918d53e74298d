import type { TaskState } from '../../protocol/task.ts';
import { workspaceTreeOf } from '../../tasks/next-proposal.ts';
import type { TurnContext } from '../turn-context.ts';
import type { ChangedLines } from './changed-lines.ts';
import { AGENT_LIMITS } from './limits.ts';

/** What a reviewer looks at: decided as it begins, so that it is the same to its end. */
export interface ReviewMaterial {
  baseTree: string;
  headTree: string;
  /** What it is told besides what it is asked. */
  text: string;
}

/** The proposal as it stands in the workspace, as a diff, and how the repository's checks came out last. */
export const reviewMaterial = (turn: TurnContext, agentId: string): Promise<ReviewMaterial> =>
  turn.store.memo(turn.taskId, `${agentId}:material`, async () => {
    const state = await turn.states.current(turn.taskId);
    const baseTree = (await turn.store.get(turn.taskId))?.prepared?.baseTree;
    if (baseTree === undefined) throw new TypeError('a turn works on a task that was never prepared');
    const trees = { baseTree, headTree: workspaceTreeOf(state, baseTree) };
    // Read from the relay's own trees, where nothing is struck out that an agent wrote down.
    const text = turn.hide(turn.taskId, `${await diffText(turn, trees)}${checksText(state)}`);
    return { ...trees, text };
  });

type Trees = Pick<ReviewMaterial, 'baseTree' | 'headTree'>;

async function diffText(turn: TurnContext, trees: Trees): Promise<string> {
  const { text, isWhole } = await turn.repo.textDiff(
    turn.taskId,
    trees.baseTree,
    trees.headTree,
    AGENT_LIMITS.diff,
  );
  if (text === '') return '# What was changed\n\nNothing yet.';
  const rest = isWhole
    ? ''
    : `\n\n[The diff goes on, and is cut here. Read these files for the rest; changed are the lines:\n${await linesOf(turn, trees)}]`;
  return `# What was changed\n\n${text.trimEnd()}${rest}`;
}

/** The changed files with their changed lines, for a reviewer's findings. */
export async function changedLines(
  turn: TurnContext,
  { baseTree, headTree }: Trees,
): Promise<ChangedLines[]> {
  return turn.repo.changes(turn.taskId, baseTree, headTree, []);
}

async function linesOf(turn: TurnContext, material: Trees): Promise<string> {
  const files = await changedLines(turn, material);
  return files
    .map(({ path, hunks }) => {
      const places = hunks.map(({ newStart, newLines }) =>
        newLines > 1 ? `${newStart}-${newStart + newLines - 1}` : newStart,
      );
      return `- ${path}${places.length === 0 ? '' : `: ${places.join(', ')}`}`;
    })
    .join('\n');
}

function checksText({ turns }: TaskState): string {
  const checks = turns.findLast(({ checks }) => checks !== undefined)?.checks ?? [];
  const ended = checks.filter(({ outcome }) => outcome !== undefined);
  if (ended.length === 0) return '';
  const lines = ended.map(({ name, outcome, output = '' }) => {
    const shown = outcome === 'passed' ? '' : `\n${output.slice(-AGENT_LIMITS.checkOutput).toWellFormed()}`;
    return `- ${name}: ${outcome}${shown}`;
  });
  return `\n\n# The repository's checks, as they came out last\n\n${lines.join('\n')}`;
}
