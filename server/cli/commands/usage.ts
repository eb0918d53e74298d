import { spendingText } from '../../protocol/spending.ts';
import { readArguments } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { ensureRelay } from '../local-relay.ts';
import { printable } from '../progress.ts';

const DAY_MS = 86_400_000;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  days: { type: 'string' },
} as const;

/** What model calls used and cost, by day, model, role and task. */
export const usage: Command = async (args, terminal) => {
  const { values, positionals } = readArguments(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError('usage takes no arguments, only --days and --json');
  const days = values.days === undefined ? undefined : Number(values.days);
  if (days !== undefined && !(days > 0)) throw new UsageError('--days needs a number above 0');
  const { client } = await ensureRelay(terminal.env, () => terminal.err('Starting the relay ...\n'));
  const report = await client.usage(days === undefined ? 0 : Math.round(Date.now() - days * DAY_MS));
  if (values.json) {
    terminal.out(`${JSON.stringify(report)}\n`);
    return 0;
  }
  const { tasks } = await client.listTasks();
  terminal.out(printable(spendingText(report, new Map(tasks.map(({ taskId, title }) => [taskId, title])))));
  return 0;
};
