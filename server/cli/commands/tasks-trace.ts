import type { RelayClient } from '../../protocol/client.ts';
import { treeText } from '../../tracing/tree.ts';
import { type Terminal, UsageError } from '../command.ts';
import { printable } from '../progress.ts';

/** `tasks trace <task>`: what each of its agents did below whom, for how long, with how many tokens, and what failed. */
export async function traceTask(
  connect: () => Promise<Pick<RelayClient, 'trace'>>,
  [taskId, ...more]: string[],
  { json }: { json: boolean },
  { out }: Terminal,
): Promise<void> {
  if (taskId === undefined || more.length > 0)
    throw new UsageError('tasks trace needs one task: tasks trace ID');
  const trace = await (await connect()).trace(taskId);
  out(json ? `${JSON.stringify(trace)}\n` : printable(treeText(trace.spans)));
}
