import * as z from 'zod';
import { type FileContent, type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import { nameInWorkspace } from '../known-files.ts';
import { parseHandle } from './handle.ts';
import { LIMITS } from './limits.ts';
import { type MediaType, mediaTypeOf } from './media-type.ts';
import { type Page, pageText } from './pager.ts';
import { paged, readHandle } from './read-handle.ts';
import { decodeText, notText, refuseLarge } from './text-file.ts';
import { defineTool, type ToolContext, ToolProblem } from './tool.ts';

export const read = defineTool({
  name: 'read',
  description: `Reads a file: text as lines "N: text", at most ${LIMITS.readLines} or ${LIMITS.readBytes} bytes at once (offset goes on); images and PDFs as such; of a folder what is in it. Also reads what another result names as output://….`,
  input: z.object({
    path: z.string().min(1).describe('Relative to the workspace, or output://….'),
    offset: z.number().int().min(1).optional().describe('The first line, from 1.'),
    limit: z.number().int().min(1).max(LIMITS.readLines).optional().describe('How many lines.'),
    column: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('Where in each line to begin, for lines that were cut.'),
  }),
  writes: false,
  async run({ path, offset = 1, limit = LIMITS.readLines, column = 1 }, context) {
    const page = { offset, limit, column };
    const handle = parseHandle(path);
    return handle ? readHandle(handle, page, context) : readPath(path, page, context);
  },
});

async function readPath(path: string, page: Page, context: ToolContext): Promise<string> {
  let content: FileContent;
  try {
    content = await context.sandbox.readFile(path, { offset: 0, length: LIMITS.fileBytes });
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'is-directory') {
      return listFolder(context.sandbox, path, context.signal);
    }
    if (error instanceof SandboxError && error.code === 'not-found') context.saw(path, null);
    throw error;
  }
  const { data, size, sha256 } = content;
  const media = mediaTypeOf(data);
  if (media) {
    const text = await show(path, media, content, context);
    context.saw(path, sha256);
    return text;
  }
  refuseLarge(path, data, size);
  const decoded = decodeText(data);
  if (decoded === undefined) throw notText(path, size);
  context.saw(path, sha256);
  const text = pageText(path, page, paged(decoded.text, page));
  const { encoding } = decoded.format;
  return encoding === 'UTF-8' ? text : `${text}\n[${path} is written in ${encoding}; edit keeps that]`;
}

/** Hands an image or a PDF to the model, where that takes them. */
async function show(
  path: string,
  media: MediaType,
  { data, size }: FileContent,
  { abilities, attach }: ToolContext,
): Promise<string> {
  const what = { isPdf: media === 'application/pdf', name: NAMES[media] };
  const canBeShown = what.isPdf ? abilities.pdf : abilities.images;
  if (!canBeShown) {
    const advice = what.isPdf ? 'pdftotext' : 'file, identify';
    throw new ToolProblem(
      `${path} is a ${what.name} of ${size} bytes, which this model cannot be shown. Use bash to learn of it (${advice}).`,
    );
  }
  if (size > LIMITS.mediaBytes) {
    const advice = what.isPdf ? 'Extract pages or text' : 'Make a smaller copy';
    throw new ToolProblem(
      `${path} is a ${what.name} of ${size} bytes; a model is shown at most ${LIMITS.mediaBytes}. ${advice} with bash and read that.`,
    );
  }
  await attach(media, data);
  return `${path} is a ${what.name} of ${size} bytes; it is shown below.`;
}

const NAMES: Record<MediaType, string> = {
  'image/png': 'PNG image',
  'image/jpeg': 'JPEG image',
  'image/gif': 'GIF image',
  'image/webp': 'WebP image',
  'application/pdf': 'PDF document',
};

/** What is in a folder, by name: its files, and its folders with how many files they have. */
async function listFolder(sandbox: Sandbox, path: string, signal: AbortSignal): Promise<string> {
  const { matches, truncated } = await sandbox.glob({
    pattern: '**',
    path,
    limit: LIMITS.folderFiles,
    signal,
  });
  const prefix = prefixOf(path, sandbox.workdir);
  const counts = new Map<string, number>();
  for (const match of matches) {
    const [first = '', ...rest] = match.slice(prefix.length).split('/');
    const name = rest.length === 0 ? first : `${first}/`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const entries = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = entries
    .slice(0, LIMITS.folderEntries)
    .map(([name, count]) =>
      name.endsWith('/') ? `${name} (${count} ${count === 1 ? 'file' : 'files'})` : name,
    );
  const more = entries.length - lines.length;
  return [
    `${path} is a folder${lines.length === 0 ? ' without files that are not ignored.' : ':'}`,
    ...lines,
    ...(more > 0 ? [`[${more} more entries; glob finds them by pattern]`] : []),
    ...(truncated
      ? [`[only of its newest ${matches.length} files; read a folder below it for the rest]`]
      : []),
  ].join('\n');
}

/** What the paths in a folder begin with, as searches name them. */
function prefixOf(path: string, workdir: string): string {
  const relative = nameInWorkspace(path, workdir).replace(/\/$/, '');
  return relative === '.' || relative === '' ? '' : `${relative}/`;
}
