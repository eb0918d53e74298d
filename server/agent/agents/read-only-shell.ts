import { bash } from '../tools/bash.ts';
import { type ASKED, type Tool, type ToolContext, ToolProblem } from '../tools/tool.ts';
import type { TurnContext } from '../turn-context.ts';

const DESCRIPTION = `${bash.description} You may only look: what a command has changed of the workspace's files when it ends is put back, and whatever it left running is ended. Of files that Git ignores, of .git and of what is outside the workspace nothing is put back: leave them alone.`;

const IN_BACKGROUND =
  'You may only look: nothing of yours runs in the background. Run it without background, and with a timeoutMs by which it ends.';

/** Names of files that the model is told, at most: it knows what it did. */
const MOST_NAMED = 20;

/**
 * The shell of those who may only look. Each command runs with no other one of this kind in the machine; before it the workspace's tree is
 * read, and where that cannot be had it is not run; after it the tree is read again, what differs is put back, and the model is told.
 * That covers what a proposal is made of, and nothing else: the description says so.
 */
export function readOnlyShell(turn: TurnContext): Tool {
  return {
    ...bash,
    description: DESCRIPTION,
    writes: false,
    run(input, context) {
      if (input.background === true) throw new ToolProblem(IN_BACKGROUND);
      return turn.workspaces.alone(context.sandbox, () =>
        looking(turn, context, () => bash.run(input, context)),
      );
    },
  };
}

async function looking(
  turn: TurnContext,
  context: ToolContext,
  run: () => Promise<string | typeof ASKED>,
): Promise<string | typeof ASKED> {
  const { sandbox, callId, memo } = context;
  const { taskId, repo } = turn;
  const { known, note } = await memo('before', async () => {
    const newest = (await turn.states.current(taskId)).workspaceTree;
    const base = newest ?? (await turn.store.get(taskId))?.prepared?.baseTree;
    if (base === undefined) throw new ToolProblem('The workspace cannot be read now. Try again.');
    return {
      note: await repo.settingOf(sandbox),
      known: (await repo.capture(taskId, sandbox, base)).headTree,
    };
  });
  let output: string | typeof ASKED;
  let problem: ToolProblem | undefined;
  try {
    output = await run();
  } catch (error) {
    if (!(error instanceof ToolProblem)) {
      await putBack();
      throw error;
    }
    problem = error;
    output = error.message;
  }
  const paths = await putBack();
  if (typeof output === 'string' && paths.length > 0) output = `${output}\n${told(paths)}`;
  if (problem !== undefined && typeof output === 'string') throw new ToolProblem(output);
  return output;

  /** @returns what was put back, the same when it is done again */
  async function putBack(): Promise<string[]> {
    await sandbox.killAll(callId);
    const { headTree } = await repo.capture(taskId, sandbox, known);
    const paths = await memo('changed', async () =>
      headTree === known
        ? []
        : (await repo.changedFiles(taskId, known, headTree)).map(({ path }) => path).sort(),
    );
    if (headTree !== known) {
      const name = `${callId}:put-back`;
      await repo.setWorkspace(sandbox, { taskId, name, before: note, from: headTree, to: known });
    }
    return paths;
  }
}

function told(paths: readonly string[]): string {
  const more = paths.length - MOST_NAMED;
  const named = paths.slice(0, MOST_NAMED).join(', ');
  return `[You may only look. What this changed was put back: ${named}${more > 0 ? ` and ${more} more` : ''}]`;
}
