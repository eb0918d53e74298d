import { parseArgs } from 'node:util';
import type { RelayClient } from '../../protocol/client.ts';
import type { Failure } from '../../protocol/errors.ts';
import { keptWork } from '../../protocol/kept-work.ts';
import type { Item, TaskState, TaskSummary } from '../../protocol/task.ts';
import { readArguments } from '../arguments.ts';
import { type Command, type Terminal, UsageError } from '../command.ts';
import { ensureRelay } from '../local-relay.ts';
import { printable } from '../progress.ts';
import { answerText, questionText } from '../question.ts';
import { answerTask } from './tasks-answer.ts';
import { applyTask } from './tasks-apply.ts';
import { exportTask, importTask } from './tasks-file.ts';
import { keptOfTask } from './tasks-kept.ts';
import { openTaskPullRequest } from './tasks-pr.ts';
import { previewTask } from './tasks-preview.ts';
import { reviewTask } from './tasks-review.ts';
import { traceTask } from './tasks-trace.ts';

const OPTIONS = {
  json: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  revoke: { type: 'boolean', default: false },
  minutes: { type: 'string' },
  accept: { type: 'string', multiple: true, default: [] as string[] },
  reject: { type: 'string', multiple: true, default: [] as string[] },
  undo: { type: 'string', multiple: true, default: [] as string[] },
  repo: { type: 'string' },
  all: { type: 'boolean', default: false },
  title: { type: 'string' },
  body: { type: 'string' },
  base: { type: 'string' },
  branch: { type: 'string' },
  uncommitted: { type: 'string' },
  ready: { type: 'boolean', default: false },
  'allow-workflows': { type: 'boolean', default: false },
  'allow-secret': { type: 'string', multiple: true, default: [] as string[] },
} as const;

type Option = keyof typeof OPTIONS;
type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];
type Connect = () => Promise<RelayClient>;

/** What can be done with a task, and the options that it has. A number that `run` resolves with is the exit code. */
interface Verb {
  options: Option[];
  run(connect: Connect, rest: string[], values: Values, terminal: Terminal): Promise<unknown>;
}

const VERBS: Record<string, Verb> = {
  answer: { options: [], run: (connect, rest, _values, terminal) => answerTask(connect, rest, terminal) },
  export: {
    options: ['force'],
    run: (connect, rest, { force }, terminal) => exportTask(connect, rest, force, terminal),
  },
  kept: { options: ['json'], run: keptOfTask },
  import: { options: [], run: (connect, rest, _values, terminal) => importTask(connect, rest, terminal) },
  preview: {
    options: ['json', 'revoke', 'minutes'],
    run: (connect, rest, values, terminal) =>
      previewTask(connect, rest, { minutes: undefined, ...values }, terminal),
  },
  review: { options: ['json', 'accept', 'reject', 'undo'], run: reviewTask },
  trace: { options: ['json'], run: traceTask },
  apply: {
    options: ['json', 'repo', 'all'],
    run: (connect, rest, values, terminal) =>
      applyTask(connect, rest, { repo: undefined, ...values }, terminal),
  },
  pr: {
    options: [
      ...(['json', 'title', 'body', 'base', 'branch', 'uncommitted', 'ready'] as const),
      ...(['allow-workflows', 'allow-secret'] as const),
    ],
    run: (connect, rest, { title, body, base, branch, uncommitted, ready, json, ...allowed }, terminal) =>
      openTaskPullRequest(
        connect,
        rest,
        {
          ...{ title, body, base, branch, uncommitted, ready, json },
          allowWorkflows: allowed['allow-workflows'],
          allowSecret: allowed['allow-secret'],
        },
        terminal,
      ),
  },
};
const SHOWING: Verb = {
  options: ['json'],
  run: async (connect, [taskId, ...more], { json }, terminal) => {
    if (more.length > 0) throw new UsageError('tasks shows one task at a time');
    if (taskId === undefined) await list(await connect(), json, terminal);
    else await show(await connect(), taskId, json, terminal);
  },
};

/** Lists the relay's tasks, newest first; shows one, or does with it what the verb says. */
export const tasks: Command = async (args, terminal) => {
  const { values, positionals } = readArguments(args, OPTIONS);
  const [first = '', ...rest] = positionals;
  const verb = Object.hasOwn(VERBS, first) ? VERBS[first] : undefined;
  refuseOptions(args, verb === undefined ? 'tasks' : `tasks ${first}`, (verb ?? SHOWING).options);
  /** Not before the arguments make sense: it may start a relay. */
  const connect = async () => {
    const relay = await ensureRelay(terminal.env, () => terminal.err('Starting the relay ...\n'));
    return relay.client;
  };
  const code = await (verb ?? SHOWING).run(connect, verb ? rest : positionals, values, terminal);
  return typeof code === 'number' ? code : 0;
};

/** @throws {UsageError} where an option was given that is another verb's */
function refuseOptions(args: string[], command: string, allowed: Option[]): void {
  const given = parseArgs({ args, options: OPTIONS, allowPositionals: true, tokens: true }).tokens;
  for (const token of given) {
    if (token.kind !== 'option' || allowed.some((name) => name === token.name)) continue;
    const owners = Object.entries(VERBS).filter(([, { options }]) =>
      options.some((name) => name === token.name),
    );
    if (token.name === 'json') throw new UsageError(`${command} has no --json`);
    throw new UsageError(
      `--${token.name} belongs to ${owners.map(([name]) => `tasks ${name}`).join(' and ')}`,
    );
  }
}

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
      ...checks.map(
        ({ name, outcome = 'running', tree }) =>
          `check ${name}: ${outcome}${tree === undefined ? '' : ` on tree ${tree.slice(0, 12)}`}${isOutdated(task, tree) ? ', which is not what was accepted' : ''}`,
      ),
    ]),
    ...(task.status === 'asking'
      ? ['', `Answer with: npm start -- tasks answer ${task.taskId} "<text or number>"`]
      : []),
    ...(proposal?.files.length ? ['', `Changed files (revision ${proposal.revision}):`] : []),
    ...(proposal?.files ?? []).map(
      ({ path, status, binary, additions, deletions }) =>
        `  ${status.padEnd(12)} ${path}${binary ? ' (binary)' : ` +${additions} -${deletions}`}`,
    ),
    ...(keptWork(task).length > 0
      ? ['', `What an agent made was kept beside the workspace: see npm start -- tasks kept ${task.taskId}`]
      : []),
    ...(publish ? ['', `Pull request: ${publish.pullRequest?.url ?? publish.stage}`] : []),
    ...(publish?.error ? [`! ${publish.error.message}`] : []),
    ...(publish?.compareUrl ? [`Open it by hand: ${publish.compareUrl}`] : []),
  ];
  return `${printable(lines.join('\n')).trimEnd()}\n`;
}

/** Whether a check says nothing of what the person accepted, for that is another tree. */
function isOutdated({ review, proposal }: TaskState, tree: string | undefined): boolean {
  const accepted = review?.acceptedTree;
  return tree !== undefined && accepted !== undefined && accepted !== proposal?.baseTree && accepted !== tree;
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
    case 'cut':
      return [`- from here on the model reads ${item.tokensAfter} tokens instead of ${item.tokensBefore}`];
  }
}
