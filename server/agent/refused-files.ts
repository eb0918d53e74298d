import { AppError } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Captures } from './captures.ts';
import { ToolProblem } from './tools/tool.ts';
import { isOutOfHands, type TurnContext } from './turn-context.ts';
import { WATCH } from './watch/limits.ts';
import type { Objection, Watch } from './watch/watch.ts';

/** The captures of a lead's workspace, where files that Git refuses are the agent's to mend: it is told, and goes on with its work. */
export interface MindingCaptures {
  /** Waits for the one under way. @returns why it failed, unless that is the agent's to mend */
  settled(): Promise<Failure | undefined>;
  /** What it has to be told of before it goes on. */
  news(): Extract<Objection, { kind: 'nudge' }> | undefined;
  /** What is wrong with its being done: told a few times, and then the turn fails by it. */
  atEnd(): Objection | undefined;
}

/** @param watch of the turn so far: what was told before a kill is not told again */
export function mindRefused(captures: Captures, watch: Watch): MindingCaptures {
  let refused: Failure | undefined;
  let isTold = watch.nudges('files_refused') > 0;
  const nudge = ({ message, nextAction }: Failure): Extract<Objection, { kind: 'nudge' }> => {
    isTold = true;
    const text = `What you changed could not be brought home. ${message} ${nextAction ?? ''}`.trimEnd();
    return { kind: 'nudge', reason: 'files_refused', text };
  };
  return {
    async settled() {
      if (!captures.isUnderWay()) return undefined;
      const lost = await captures.settled();
      refused = lost?.code === 'files_refused' ? lost : undefined;
      isTold &&= refused !== undefined;
      return refused ? undefined : lost;
    },
    news: () => (refused && !isTold ? nudge(refused) : undefined),
    atEnd() {
      if (refused === undefined) return undefined;
      if (watch.nudges('files_refused') >= WATCH.refused) return { kind: 'failed', failure: refused };
      return nudge(refused);
    },
  };
}

/**
 * Whether Git takes what an executor's copy holds: it hears of that before its report counts, for all of its work would be lost by it later.
 * What else is wrong shows when that is brought home.
 * @throws {ToolProblem} what it has to mend
 */
export async function assertTaken(
  { taskId, repo, logger }: Pick<TurnContext, 'taskId' | 'repo' | 'logger'>,
  copy: Sandbox,
  known: string,
): Promise<void> {
  try {
    await repo.capture(taskId, copy, known);
  } catch (error) {
    if (isOutOfHands(error)) throw error;
    if (error instanceof AppError && error.code === 'files_refused')
      throw new ToolProblem(
        `The report is not taken. ${error.message} ${error.nextAction ?? ''} Then report once more.`,
      );
    logger.warn({ taskId, err: error }, 'the work of a subagent could not be looked at as it reported');
  }
}
