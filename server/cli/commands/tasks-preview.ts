import type { RelayClient } from '../../protocol/client.ts';
import type { PortList, PreviewLink } from '../../protocol/preview.ts';
import { CliError, type Terminal, UsageError } from '../command.ts';

type Client = Pick<RelayClient, 'ports' | 'previews' | 'openPreview' | 'revokePreview'>;

export interface PreviewOptions {
  revoke: boolean;
  /** How long the link is to live, as it was typed. */
  minutes: string | undefined;
  json: boolean;
}

/**
 * `tasks preview <task>` lists ports and open links; with a port it makes a link and prints it, with `--revoke` it ends those of the
 * port, or of the whole task.
 */
export async function previewTask(
  connect: () => Promise<Client>,
  [taskId, portText, ...more]: string[],
  { revoke, minutes, json }: PreviewOptions,
  { out, err }: Terminal,
): Promise<void> {
  if (taskId === undefined || more.length > 0)
    throw new UsageError('tasks preview needs a task, and at most a port: tasks preview ID [PORT]');
  const port = portText === undefined ? undefined : readNumber(portText, 'a port', 65_535);
  const life = minutes === undefined ? undefined : readNumber(minutes, '--minutes', 24 * 60);
  if (life !== undefined && (port === undefined || revoke))
    throw new UsageError('--minutes belongs to a preview that is opened: tasks preview ID PORT --minutes N');

  const client = await connect();
  if (revoke) {
    const count = await revokeAll(client, taskId, port);
    if (json) out(`${JSON.stringify({ revoked: count })}\n`);
    else err(`Revoked: ${count}\n`);
  } else if (port === undefined) {
    const [ports, previews] = [await client.ports(taskId), await client.previews(taskId)];
    out(json ? `${JSON.stringify({ ...ports, previews })}\n` : describe(taskId, ports, previews));
  } else {
    const opened = await client.openPreview(taskId, {
      port,
      ...(life === undefined ? {} : { minutes: life }),
    });
    out(json ? `${JSON.stringify(opened)}\n` : `${opened.url}\n`);
    if (!json)
      err(
        `Opens in one browser, once, until ${time(opened.expiresAt)}. End it with: npm start -- tasks preview ${taskId} ${port} --revoke\n`,
      );
  }
}

/** @throws {CliError} where there is nothing to revoke */
async function revokeAll(client: Client, taskId: string, port: number | undefined): Promise<number> {
  const open = (await client.previews(taskId)).filter(
    (preview) => port === undefined || preview.port === port,
  );
  if (open.length === 0)
    throw new CliError(
      `No preview of ${port === undefined ? 'the task' : `port ${port}`} is open.`,
      `See which are: npm start -- tasks preview ${taskId}`,
    );
  for (const { previewId } of open) await client.revokePreview(taskId, previewId);
  return open.length;
}

function describe(taskId: string, { sandbox, ports }: PortList, previews: PreviewLink[]): string {
  const [first] = ports;
  const listening = {
    none: 'The task has no sandbox now.',
    asleep: 'The sandbox sleeps, so nothing listens in it. A preview offers to wake it.',
    awake: ports.length === 0 ? 'Nothing listens in the sandbox.' : `Listening: ${ports.join(', ')}`,
  }[sandbox];
  const links = previews.map(
    ({ port, expiresAt, isOpened }) =>
      `Open: ${port}, until ${time(expiresAt)}${isOpened ? '' : ', not opened yet'}`,
  );
  const next = first === undefined ? [] : [`Open one with: npm start -- tasks preview ${taskId} ${first}`];
  return `${[listening, ...links, ...next].join('\n')}\n`;
}

/** Hours and minutes, by the person's clock. */
function time(at: number): string {
  return new Date(at).toTimeString().slice(0, 5);
}

function readNumber(text: string, what: string, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new UsageError(`${what} is a whole number from 1 to ${most}, not "${text}"`);
}
