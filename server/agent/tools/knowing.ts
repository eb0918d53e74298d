import { SandboxError } from '../../sandbox/sandbox.ts';
import { type ToolContext, ToolProblem } from './tool.ts';

/**
 * Refuses to change a file that the agent does not know as it is: it would undo what it has not seen.
 * @param sha256 of what is there now
 */
export function requireKnown({ known }: Pick<ToolContext, 'known'>, path: string, sha256: string): void {
  const seen = known(path);
  if (seen === sha256) return;
  throw seen === undefined ? notRead(path) : stale(path, 'changed');
}

/** A write that found something else than it was made for, as the model is told. */
export function whyNotWritten(path: string, error: unknown): unknown {
  if (!(error instanceof SandboxError)) return error;
  if (error.code === 'changed') return stale(path, 'changed');
  if (error.code === 'exists') return notRead(path);
  return error;
}

const notRead = (path: string): ToolProblem =>
  new ToolProblem(`NotRead: ${path} exists, and you have not read it. Read it first, then change it.`);

export const stale = (path: string, what: 'changed' | 'removed'): ToolProblem =>
  new ToolProblem(
    what === 'changed'
      ? `StaleFile: ${path} has changed since you last saw it, by a command or by somebody else. Read it again, then redo the change.`
      : `StaleFile: ${path} is gone since you last saw it. Look for it with glob, or write it anew.`,
  );
