import * as z from 'zod';
import { type ExecStream, type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import { STILL_RUNS } from '../watch/limits.ts';
import { execIdOf, type Handle, handleOf } from './handle.ts';
import { LIMITS } from './limits.ts';
import { createPager, type Page, pageText } from './pager.ts';
import { type EarlierCall, type ToolContext, ToolProblem } from './tool.ts';

/** A page of what an earlier call left. */
export async function readHandle(
  { callId, part }: Handle,
  page: Page,
  context: ToolContext,
): Promise<string> {
  const call = await context.earlier(callId);
  if (call === undefined) {
    throw new ToolProblem(
      `There is no call ${callId} in this task. Handles are named in the results that they belong to: copy one exactly.`,
    );
  }
  const name = handleOf(callId, part);
  if (part === undefined) return resultOf(name, call, page);
  if (call.name === 'bash' && (part === 'stdout' || part === 'stderr')) {
    return logOf(name, callId, call, part, page, context);
  }
  const kept =
    part === 'page' ? Remembered.safeParse(await context.remembered(callId, part)).data : undefined;
  if (kept === undefined) throw nothingKept(name);
  return pageText(name, page, paged(kept.text, page));
}

/** What `fetch` remembers, of which this is shown. */
const Remembered = z.object({ text: z.string() });

const nothingKept = (name: string): ToolProblem =>
  new ToolProblem(
    `Nothing is kept as ${name}. Handles are named in the results that they belong to: copy one exactly.`,
  );

function resultOf(name: string, { output }: EarlierCall, page: Page): string {
  if (output === undefined) throw new ToolProblem(`${name} has not ended, so it has no result.`);
  return pageText(name, page, paged(output, page));
}

export function paged(text: string, page: Page): ReturnType<ReturnType<typeof createPager>['end']> {
  const pager = createPager(page);
  pager.push(text);
  return pager.end();
}

async function logOf(
  name: string,
  callId: string,
  { input }: EarlierCall,
  stream: ExecStream['name'],
  page: Page,
  { sandbox }: ToolContext,
): Promise<string> {
  const isBackground = isInBackground(input);
  const execId = execIdOf(callId, isBackground);
  const piece = (offset: number, length: number): ReturnType<Sandbox['readOutput']> =>
    sandbox.readOutput(execId, stream, { offset, length }).catch((error: unknown) => {
      throw error instanceof SandboxError && error.code === 'not-found' ? noLog(callId) : error;
    });
  // Before its log is read: what it printed last is in it then.
  const standing = isBackground ? [await standingOf(sandbox, execId, () => piece(0, 0))] : [];
  const pager = createPager(page);
  const decoder = new TextDecoder();
  for (let offset = 0; ; ) {
    const { data, size } = await piece(offset, LIMITS.logPiece);
    pager.push(decoder.decode(data, { stream: true }));
    offset += data.byteLength;
    if (data.byteLength === 0 || offset >= size) break;
  }
  return [pageText(name, page, pager.end()), ...standing].join('\n');
}

const noLog = (callId: string): ToolProblem =>
  new ToolProblem(
    `The log of this command is no longer kept: newer ones needed the room, or the machine was replaced. What is left is its result: ${handleOf(callId)}`,
  );

/** What was `background` in a call that fitted its tool. */
export const isInBackground = (input: unknown): boolean =>
  typeof input === 'object' && input !== null && 'background' in input && input.background === true;

/**
 * Whether a command in the background still runs, and how it ended.
 * @param look fails where there was no such command, and takes a round trip to the sandbox
 */
async function standingOf(sandbox: Sandbox, execId: string, look: () => Promise<unknown>): Promise<string> {
  await look();
  const attached = sandbox.exec(
    { execId, argv: ['true'], timeoutMs: LIMITS.bashBackground, maxOutputBytes: 0 },
    { isBackground: true },
  );
  attached.catch(() => {});
  // Had it ended, that would be known by the time that two more questions are answered.
  const later = look().then(look);
  const ended = await Promise.race([attached, later.then(() => undefined)]);
  if (ended === undefined) return STILL_RUNS;
  if (ended.reason === 'lost') return '[the command ended with its machine]';
  if (ended.reason !== 'exit') return '[the command was stopped]';
  return ended.exitCode === null
    ? '[the command was ended by a signal]'
    : `[the command has ended: exit code ${ended.exitCode}]`;
}
