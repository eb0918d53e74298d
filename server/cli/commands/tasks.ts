import type { RelayClient } from '../../protocol/client.ts';
import type { Failure } from '../../protocol/errors.ts';
import type { Item, TaskState, TaskSummary } from '../../protocol/task.ts';
import { readArguments } from '../arguments.ts';
import { type Command, type Terminal, UsageError } from '../command.ts';
import { ensureRelay } from '../local-relay.ts';
import { printable } from '../progress.ts';
import { answerText, questionText } from '../question.ts';
import { answerTask } from './tasks-answer.ts';
import { exportTask, importTask } from './tasks-file.ts';
import { previewTask } from './tasks-preview.ts';

/** Lists the relay's tasks, newest first; shows, answers, exports, imports or previews one. */
export const tasks: Command = async (args, terminal) => {
  const { values, positionals } = readArguments(args, {
    json: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
    revoke: { type: 'boolean', default: false },
    minutes: { type: 'string' },
  });
  const [verb, ...rest] = positionals;
  if (values.force && verb !== 'export') throw new UsageError('--force belongs to tasks export');
  if ((values.revoke || values.minutes !== undefined) && verb !== 'preview') {
    throw new UsageError('--revoke and --minutes belong to tasks preview');
  }
  if (values.json && ['answer', 'export', 'import'].includes(verb ?? '')) {
    throw new UsageError(`tasks ${verb} has no --json`);
  }
  /** Not before the arguments make sense: it may start a relay. */
  const connect = async () => {
    const relay = await ensureRelay(terminal.env, () => terminal.err('Starting the relay ...\n'));
    return relay.client;
  };
  if (verb === 'answer') await answerTask(connect, rest, terminal);
  else if (verb === 'export') await exportTask(connect, rest, values.force, terminal);
  else if (verb === 'import') await importTask(connect, rest, terminal);
  else if (verb === 'preview') await previewTask(connect, rest, { minutes: undefined, ...values }, terminal);
  else if (verb === undefined) await list(await connect(), values.json, terminal);
  else if (rest.length > 0) throw new UsageError('tasks shows one task at a time');
  else await show(await connect(), verb, values.json, terminal);
  return 0;
};

async function list(client: RelayClient, json: boolean, { out }: Terminal): Promise<void> {
  const all = await listAll(client);
  out(json ? `${JSON.stringify(all)}\n` : table(all, Date.now()));
}

async function show(client: RelayClient, taskId: string, json: boolean, { out }: Terminal): Promise<void> {
  const task = await client.getTask(taskId);
  out(json ? `${JSON.stringify(task)}\n` : describe(task));
}

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
    ...task.turns.flatMap(({ items, waiting, error, checks = [] }) => [
      '',
      ...items.flatMap(itemLines),
      ...[waiting, error].flatMap((failure) => (failure ? [failureLine(failure)] : [])),
      ...checks.map(({ name, outcome = 'running' }) => `check ${name}: ${outcome}`),
    ]),
    ...(task.status === 'asking'
      ? ['', `Answer with: npm start -- tasks answer ${task.taskId} "<text or number>"`]
      : []),
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

function failureLine({ message, nextAction }: Failure): string {
  return `! ${message}${nextAction ? ` ${nextAction}` : ''}`;
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
      return item.answer
        ? [`? ${item.question}`, `you: ${answerText(item.answer)}`]
        : [questionText(item).trimEnd()];
    case 'notice':
      return [`! ${item.text}`];
  }
}
