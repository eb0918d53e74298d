import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { handleOf } from '../agent/tools/handle.ts';
import { LIMITS as TOOL_LIMITS } from '../agent/tools/limits.ts';
import { mediaTypeOf } from '../agent/tools/media-type.ts';
import { type Tool, type ToolContext, ToolProblem } from '../agent/tools/tool.ts';
import { LIMITS } from './limits.ts';
import type { ListedTool } from './listing.ts';
import { type Block, complaintOf, cutResult, inLine, resultText, sentence, sizeOf } from './result-text.ts';
import type { Server } from './servers.ts';
import type { Sessions } from './sessions.ts';

/** What a call that was interrupted is answered with: it may have taken effect, so it is not made again. */
export const INTERRUPTED = '[interrupted: whether it took effect is unknown]';

/**
 * A server's tool as agents have it. Its arguments are the server's to check, by the schema that it gave.
 *
 * A program in the sandbox can write there whatever it says of its tools, so all of them count as writing; of a server of the relay's
 * owner it is believed which change nothing.
 * @param hide strikes out what must not be shown of a text that came from the server
 */
export function agentTool(
  listed: ListedTool,
  server: Server | undefined,
  sessions: Sessions,
  hide: (text: string) => string,
): Tool {
  const { name, description, inputSchema } = listed;
  return {
    name,
    description: hide(
      `From the MCP server ${listed.server}, in its own words: ${description || inLine(listed.tool, hide)}`,
    ),
    input: argumentsOf(inputSchema),
    inputJson: inputSchema,
    writes: !(server?.kind === 'http' && listed.isReadOnly),
    async run(input, context) {
      if (server === undefined)
        throw new ToolProblem(`The MCP server ${listed.server} is not configured any more.`);
      if (!listed.isIdempotent && !(await isFirst(context))) throw new ToolProblem(INTERRUPTED);
      const showOutput: ToolContext['showOutput'] = (stream, text) => context.showOutput(stream, hide(text));
      const result = await call(listed, server, sessions, input, { ...context, showOutput }, hide);
      const shown = await showImages(result.content, context);
      const text = await bounded(resultText(result, hide, shown), context);
      if (result.isError) throw new ToolProblem(text);
      return text;
    },
  };
}

/** Shows the model those images that it takes, as many as go into a request together. */
async function showImages(
  content: readonly Block[],
  { abilities, attach }: ToolContext,
): Promise<Set<Block>> {
  const shown = new Set<Block>();
  let room: number = TOOL_LIMITS.mediaBytes;
  for (const block of content) {
    if (block.type !== 'image' || !abilities.images) continue;
    if (shown.size === LIMITS.images || sizeOf(block.data) > room) continue;
    const data = Buffer.from(block.data, 'base64');
    const mediaType = mediaTypeOf(data);
    if (mediaType === undefined || mediaType === 'application/pdf') continue;
    await attach(mediaType, data);
    shown.add(block);
    room -= data.byteLength;
  }
  return shown;
}

/** What is left out is kept, for `read`: in the shape in which that looks for it. */
async function bounded(text: string, { callId, memo }: ToolContext): Promise<string> {
  if (text.length <= LIMITS.result) return text;
  await memo('page', async () => ({ text: text.slice(0, LIMITS.kept).toWellFormed() }));
  return cutResult(text, handleOf(callId, 'page'));
}

/** Whether nobody has got as far as this before: a relay that was killed has decided so, and may have called. */
async function isFirst({ memo }: ToolContext): Promise<boolean> {
  const own = randomUUID();
  return (await memo('mcp', async () => own)) === own;
}

/** Any object: what were no arguments at all (`RequestedCall`) is not one. */
function argumentsOf(schema: Record<string, unknown>): z.ZodObject {
  const { properties } = schema;
  const hasOwn =
    typeof properties === 'object' && properties !== null && Object.hasOwn(properties, 'malformed');
  return hasOwn ? z.looseObject({}) : z.looseObject({ malformed: z.undefined().optional() });
}

type Called = Awaited<ReturnType<Awaited<ReturnType<Sessions['with']>>['call']>>;

/** Once more, in a new conversation, where the server did nothing for certain, or to do it twice is the same. */
async function call(
  { tool, isIdempotent }: ListedTool,
  server: Server,
  sessions: Sessions,
  input: Record<string, unknown>,
  { sandbox, signal, showOutput }: ToolContext,
  hide: (text: string) => string,
): Promise<Called> {
  for (let isAgain = false; ; isAgain = true) {
    let isSent = false;
    try {
      const session = await sessions.with(server, sandbox);
      isSent = true;
      return await session.call(tool, input, {
        signal,
        onProgress: (line) => showOutput('stdout', `${line}\n`),
      });
    } catch (error) {
      const { ServerFailure } = await import('./failure.ts');
      if (!(error instanceof ServerFailure)) throw error;
      const { kind } = error;
      const message = complaintOf(error.message, hide);
      if (isSent && kind === 'forgotten') await (await sessions.with(server, sandbox)).close();
      if (isSent && !isAgain && (kind === 'forgotten' || (kind === 'broken' && isIdempotent))) continue;
      const outcome =
        isSent && kind === 'broken' && !isIdempotent ? ' Whether the call took effect is unknown.' : '';
      throw new ToolProblem(`${sentence(`The MCP server ${server.name} ${message}`)}${outcome}`);
    }
  }
}
