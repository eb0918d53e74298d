import type { RelayClient } from '../../protocol/client.ts';
import { type BroughtIn, type KeptWork, keptWork } from '../../protocol/kept-work.ts';
import { CliError, type Terminal, UsageError } from '../command.ts';
import { printable } from '../progress.ts';

/**
 * `tasks kept <task>`: what agents made that could not be brought into the workspace. `tasks kept <task> <number>`: brings one of
 * it into the review.
 * @returns 1 where that is in conflict with what is proposed
 * @throws {CliError} where nothing is kept under that number
 */
export async function keptOfTask(
  connect: () => Promise<Pick<RelayClient, 'getTask' | 'bringIn'>>,
  [taskId, number, ...more]: string[],
  { json }: { json: boolean },
  { out, err }: Terminal,
): Promise<number> {
  if (taskId === undefined || more.length > 0)
    throw new UsageError('tasks kept needs the task, and the number of what is to be brought in');
  const client = await connect();
  const kept = keptWork(await client.getTask(taskId));
  if (number === undefined) {
    out(json ? `${JSON.stringify(kept)}\n` : listOf(kept, taskId));
    return 0;
  }
  const wanted = /^[1-9]\d*$/.test(number) ? kept[Number(number) - 1] : undefined;
  if (wanted === undefined)
    throw new CliError(
      `Nothing is kept under the number ${JSON.stringify(number)}.`,
      `See what there is with: npm start -- tasks kept ${taskId}`,
    );
  const brought = await client.bringIn(taskId, wanted.agentId);
  if (json) out(`${JSON.stringify(brought)}\n`);
  else err(outcomeOf(brought, taskId));
  return brought.conflicts.length === 0 ? 0 : 1;
}

function listOf(kept: readonly KeptWork[], taskId: string): string {
  if (kept.length === 0) return 'Nothing is kept: what agents made is in the proposal, or was left out.\n';
  const lines = kept.flatMap(({ description, error, changed, changedCount = changed.length }, index) => [
    `${index + 1}  ${description}${error === undefined ? '' : `: ${error.message}`}`,
    ...changed.map((path) => `     ${path}`),
    ...(changedCount > changed.length ? [`     and ${changedCount - changed.length} more`] : []),
  ]);
  lines.push('', `Bring one into the review with: npm start -- tasks kept ${taskId} NUMBER`);
  return `${printable(lines.join('\n'))}\n`;
}

function outcomeOf({ changed, revision, conflicts }: BroughtIn, taskId: string): string {
  const lines = conflicts.map((path) => `! ${path}: in conflict; look for conflict markers there`);
  lines.push(
    changed
      ? `It is in revision ${revision} of the proposal; see npm start -- tasks review ${taskId}`
      : conflicts.length === 0
        ? 'The proposal has all of it already.'
        : 'Nothing was changed: the conflicts of an earlier time are not resolved.',
  );
  return `${printable(lines.join('\n'))}\n`;
}
