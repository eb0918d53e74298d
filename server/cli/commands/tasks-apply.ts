import { realpathSync } from 'node:fs';
import path from 'node:path';
import { CaptureError, locate } from '../../protocol/capture-git.ts';
import type { RelayClient } from '../../protocol/client.ts';
import { type Applied, applyTree } from '../apply-tree.ts';
import { CliError, type Terminal, UsageError } from '../command.ts';
import { captureDeps, runGit } from '../git.ts';
import { printable } from '../progress.ts';
import { acceptedTree } from './tasks-review.ts';

export interface ApplyOptions {
  /** The clone that gets the changes, as it was typed. */
  repo: string | undefined;
  /** The whole proposal, whatever was decided of it. */
  all: boolean;
  json: boolean;
}

type Client = Pick<RelayClient, 'getTask' | 'changes' | 'blob' | 'patchReview'>;

/**
 * `tasks apply <task>`: brings what was accepted into the working tree.
 * @returns 1 where there are conflicts, which are named
 * @throws {CliError} where nothing was accepted, or the folder is no clone that has the task's commit
 */
export async function applyTask(
  connect: () => Promise<Client>,
  [taskId, ...more]: string[],
  { repo, all, json }: ApplyOptions,
  terminal: Terminal,
): Promise<number> {
  if (taskId === undefined || more.length > 0)
    throw new UsageError('tasks apply needs one task: tasks apply ID');
  const folder = path.resolve(terminal.cwd, repo ?? '.');
  const client = await connect();
  const { source } = await client.getTask(taskId);
  const toplevel = await toplevelWith(folder, source?.commit);
  const tree = all ? undefined : await acceptedTree(client, taskId);
  const applied = await applyTree(client, { taskId, toplevel, ...(tree === undefined ? {} : { tree }) });
  if (json) terminal.out(`${JSON.stringify(applied)}\n`);
  else terminal.err(applyReport(applied, toplevel));
  return applied.conflicts.length === 0 ? 0 : 1;
}

/** The repository around a folder, if it has the commit that the task started from. */
async function toplevelWith(folder: string, commit: string | undefined): Promise<string> {
  const { toplevel } = await locate(captureDeps, readable(folder)).catch((error: unknown) => {
    throw error instanceof CaptureError ? new CliError(error.message, error.nextAction, error) : error;
  });
  const asked = ['-C', toplevel, 'cat-file', '-e', `${commit}^{commit}`];
  if (commit !== undefined && (await runGit(asked)).exitCode === 0) return toplevel;
  throw new CliError(
    `${toplevel} does not have the commit that the task started from.`,
    'Name the clone of the same repository with --repo DIR, or fetch first.',
  );
}

function readable(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    throw new UsageError(`--repo ${folder} is not a folder that can be read`);
  }
}

/** What became of the files, for a person. */
export function applyReport({ changed, same, conflicts }: Applied, toplevel: string): string {
  const lines = conflicts.map((conflict) => `! ${conflict.path}: ${conflict.why}`);
  if (changed.length + conflicts.length === 0)
    lines.push(same.length === 0 ? 'There is nothing to apply.' : `${toplevel} has all of it already.`);
  else if (conflicts.length === 0) lines.push(`Applied to ${toplevel}.`);
  else lines.push(`Applied to ${toplevel}, but for what is named above.`);
  return `${printable(lines.join('\n'))}\n`;
}
