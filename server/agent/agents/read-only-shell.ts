import { AppError } from '../../errors.ts';
import { isLoss } from '../capture-step.ts';
import { spoilt } from '../spoilt.ts';
import { bash } from '../tools/bash.ts';
import { type ASKED, type Tool, type ToolContext, ToolProblem } from '../tools/tool.ts';
import { assertHeld, isOutOfHands, type TurnContext } from '../turn-context.ts';
import { endMarked, marking } from './marked-commands.ts';

const DESCRIPTION = `${bash.description} You may only look: what a command has changed of the workspace's files when it ends is put back, and whatever it left running is ended. Of files that Git ignores, of .git and of what is outside the workspace nothing is put back: leave them alone, and have no server or watcher that runs already write for you.`;

const IN_BACKGROUND =
  'You may only look: nothing of yours runs in the background. Run it without background, and with a timeoutMs by which it ends.';

/** Names of files that the model is told, at most: it knows what it did. */
const MOST_NAMED = 20;

const UNREAD =
  '[You may only look. What this changed could not be read, and was put back, all of it: make no such files]';

/**
 * The shell of those who may only look. Each command runs with no other one of this kind in the machine; before it the workspace's tree is
 * read, and where that cannot be had it is not run; after it whatever it left running is ended, the tree is read again, what differs is
 * put back, and the model is told. Where that cannot be done the turn ends, failed.
 *
 * What remains: files that no tree has (those that Git ignores, .git, what is outside), as the description says; and what a command has
 * another process do that it did not start, such as a server of the repository's that takes orders or watches files, or the supervisor
 * itself, which is of the same user. Who writes beside it while it runs, which only something in the background can, is put back with it.
 */
export function readOnlyShell(turn: TurnContext): Tool {
  return {
    ...bash,
    description: DESCRIPTION,
    writes: false,
    run(input, context) {
      if (input.background === true) throw new ToolProblem(IN_BACKGROUND);
      const marked = { ...context, sandbox: marking(context.sandbox) };
      return turn.workspaces.alone(context.sandbox, () =>
        looking(turn, context, () => bash.run(input, marked)),
      );
    },
  };
}

async function looking(
  turn: TurnContext,
  context: ToolContext,
  run: () => Promise<string | typeof ASKED>,
): Promise<string | typeof ASKED> {
  const { sandbox, memo } = context;
  const { taskId, repo } = turn;
  const before = await memo('before', async (): Promise<Before> => {
    await assertHeld(turn);
    const newest = (await turn.states.current(taskId)).workspaceTree;
    const base = newest ?? (await turn.store.get(taskId))?.prepared?.baseTree;
    if (base === undefined) throw new ToolProblem('The workspace cannot be read now. Try again.');
    const note = await repo.settingOf(sandbox);
    const { headTree: known } = await repo.capture(taskId, sandbox, base).catch(notRun);
    return { note, known };
  });
  let output: string | typeof ASKED;
  let problem: ToolProblem | undefined;
  try {
    output = await run();
  } catch (error) {
    if (!(error instanceof ToolProblem)) {
      await putBack(turn, context, before);
      throw error;
    }
    problem = error;
    output = error.message;
  }
  const paths = await putBack(turn, context, before);
  if (typeof output === 'string') output += told(paths);
  if (problem !== undefined && typeof output === 'string') throw new ToolProblem(output);
  return output;
}

/** What cannot be captured as it is could not be put back: whoever may write there has to mend it first. */
function notRun(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'files_refused') throw error;
  throw new ToolProblem(
    `This was not run, for what it changed could not be put back. ${error.message} Look with read, glob and grep, and tell of this.`,
  );
}

/** What the workspace held, and what was noted there. */
interface Before {
  note: string;
  known: string;
}

/**
 * Ends what the command left, and makes the workspace hold what it held before.
 * @returns what was put back, the same when it is done again; null where it could not be read
 * @throws {WorkspaceSpoilt} where it may not hold that
 */
async function putBack(turn: TurnContext, context: ToolContext, before: Before): Promise<string[] | null> {
  try {
    return await restored(turn, context, before).catch(async (error: unknown) => {
      if (!isLoss(error)) throw error;
      // The lead's machine, once it is woken, has the files that it had; another has others, and is none of this call's.
      const sandbox = await turn.sandboxes.open(turn.taskId);
      if (sandbox.ref.id !== context.sandbox.ref.id) throw error;
      return restored(turn, { ...context, sandbox }, before);
    });
  } catch (error) {
    throw isOutOfHands(error) ? error : spoilt(error);
  }
}

async function restored(
  turn: TurnContext,
  { sandbox, callId, memo }: ToolContext,
  { note, known }: Before,
): Promise<string[] | null> {
  const { taskId, repo } = turn;
  // A relay that slept kills and captures nothing of what another does by now.
  await assertHeld(turn);
  await sandbox.killAll(callId);
  await endMarked(sandbox);
  await assertHeld(turn);
  const found = await repo.capture(taskId, sandbox, known).catch((error: unknown) => {
    if (isOutOfHands(error)) throw error;
    turn.logger.warn({ taskId, callId, err: error }, 'what a command changed could not be read');
    return undefined;
  });
  const paths = await memo('changed', async () => {
    if (found === undefined) return null;
    if (found.headTree === known) return [];
    return (await repo.changedFiles(taskId, known, found.headTree)).map(({ path }) => path).sort();
  });
  if (found === undefined) {
    await repo.restoreWorkspace(sandbox, known, { note });
    const { headTree } = await repo.capture(taskId, sandbox, known);
    if (headTree !== known) throw new TypeError('a workspace that was put back holds something else');
  } else if (found.headTree !== known) {
    const name = `${callId}:put-back`;
    await repo.setWorkspace(sandbox, { taskId, name, before: note, from: found.headTree, to: known });
  }
  return paths;
}

function told(paths: readonly string[] | null): string {
  if (paths === null) return `\n${UNREAD}`;
  if (paths.length === 0) return '';
  const more = paths.length - MOST_NAMED;
  const named = paths.slice(0, MOST_NAMED).join(', ');
  return `\n[You may only look. What this changed was put back: ${named}${more > 0 ? ` and ${more} more` : ''}]`;
}
