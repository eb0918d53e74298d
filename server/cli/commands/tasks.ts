import type { RelayClient } from '../../protocol/client.ts';
import type { Answer } from '../../protocol/commands.ts';
import type { Item, TaskState, TaskSummary } from '../../protocol/task.ts';
import { readArguments } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { ensureRelay } from '../local-relay.ts';
import { printable } from '../progress.ts';

/** Lists the relay's tasks, newest first, or shows one. */
export const tasks: Command = async (args, { out, err, env }) => {
  const { values, positionals } = readArguments(args, { json: { type: 'boolean' } });
  const [taskId, ...more] = positionals;
  if (more.length > 0) throw new UsageError('tasks shows one task at a time');
  const { client } = await ensureRelay(env, () => err('Starting the relay ...\n'));
  if (taskId === undefined) {
    const all = await listAll(client);
    out(values.json ? `${JSON.stringify(all)}\n` : table(all, Date.now()));
  } else {
    const task = await client.getTask(taskId);
    out(values.json ? `${JSON.stringify(task)}\n` : describe(task));
  }
  return 0;
};

async function listAll(client: RelayClient): Promise<TaskSummary[]> {
  const all: TaskSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listTasks(cursor);
    all.push(...page.tasks);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}

/** @param now in milliseconds since 1970 */
export function table(tasks: TaskSummary[], now: number): string {
  if (tasks.length === 0) return 'No tasks yet: npm start -- run "<prompt>" --repo DIR\n';
  const rows = tasks.map(({ taskId, status, updatedAt, changedFiles, title, pullRequestUrl }) => [
    taskId,
    status,
    age(now - updatedAt),
    String(changedFiles),
    printable(pullRequestUrl ? `${title}  ${pullRequestUrl}` : title),
  ]);
  const all = [['TASK', 'STATUS', 'UPDATED', 'FILES', 'TITLE'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}\n`).join('');
}

function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1440)} days ago`;
}

/** One task in words: what was said, what was done, what changed, where it went. */
export function describe(task: TaskState): string {
  const { source, proposal, publish } = task;
  const lines = [
    task.title,
    `task ${task.taskId}, ${task.status}${source ? `, from ${source.repository} at ${source.commit.slice(0, 12)}` : ''}`,
    ...task.turns.flatMap(({ items, error }) => [
      '',
      ...items.flatMap(itemLines),
      ...(error ? [`! ${error.message}${error.nextAction ? ` ${error.nextAction}` : ''}`] : []),
    ]),
    ...(proposal?.files.length ? ['', `Changed files (revision ${proposal.revision}):`] : []),
    ...(proposal?.files ?? []).map(
      ({ path, status, binary, additions, deletions }) =>
        `  ${status.padEnd(12)} ${path}${binary ? ' (binary)' : ` +${additions} -${deletions}`}`,
    ),
    ...(publish ? ['', `Pull request: ${publish.pullRequest?.url ?? publish.stage}`] : []),
    ...(publish?.error ? [`! ${publish.error.message}`] : []),
    ...(publish?.compareUrl ? [`Open it by hand: ${publish.compareUrl}`] : []),
  ];
  return `${printable(lines.join('\n')).trimEnd()}\n`;
}

function itemLines(item: Item): string[] {
  switch (item.kind) {
    case 'user':
      return [`you: ${item.text}`];
    case 'text':
      return [item.text];
    case 'tool':
      return [`> ${item.name}${item.isError ? ' (failed)' : ''}`];
    case 'question':
      return [`? ${item.question}`, ...(item.answer ? [`you: ${answerText(item.answer)}`] : [])];
    case 'notice':
      return [`! ${item.text}`];
  }
}

function answerText(answer: Answer): string {
  if (answer.kind === 'dismissed') return '(no answer)';
  return answer.kind === 'choice' ? answer.label : answer.text;
}
