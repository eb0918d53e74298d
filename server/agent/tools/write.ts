import * as z from 'zod';
import { type FileContent, type Sandbox, SandboxError } from '../../sandbox/sandbox.ts';
import { requireKnown, whyNotWritten } from './knowing.ts';
import { LIMITS } from './limits.ts';
import { decodeText, encodeText, type TextFormat, UTF8 } from './text-file.ts';
import { defineTool, ToolProblem } from './tool.ts';
import { why } from './why.ts';

export const write = defineTool({
  name: 'write',
  description:
    'Writes a whole text file. Creates folders on the way. A file that exists must have been read before; its line endings and encoding stay. Prefer edit for changing a part.',
  input: z.object({
    path: z.string().min(1).describe('Relative to the workspace.'),
    content: z.string().max(LIMITS.fileBytes),
    why,
  }),
  writes: true,
  async run({ path, content }, { sandbox, memo, known, saw, rewrote }) {
    // What is overwritten is settled before it is: a call that is run again finds the file as it was, and writes; or as it should
    // be, and is done; or changed since by somebody else, and leaves it.
    let there: FileContent | undefined;
    const { before, style } = await memo('write', async () => {
      there = await present(sandbox, path);
      if (there === undefined) return { before: null, style: PLAIN };
      requireKnown({ known }, path, there.sha256);
      return { before: there.sha256, style: styleOf(there) };
    });
    const data = encodeText(style.isCrlf ? content.replace(/\r?\n/g, '\r\n') : content, style.format);
    if (data === undefined) {
      throw new ToolProblem(
        `Encoding: ${path} is written in ${style.format.encoding}, which has not all characters of content. Use others, or remove the file first with bash to write it in UTF-8.`,
      );
    }
    const { sha256 } = await sandbox.writeFile({ path, data, expected: before }).catch((error: unknown) => {
      throw whyNotWritten(path, error);
    });
    if (there && there.size === there.data.byteLength) rewrote(path, there.data, data);
    saw(path, sha256);
    const lines = content === '' ? 0 : content.split('\n').length - (content.endsWith('\n') ? 1 : 0);
    return `Wrote ${path}: ${lines} lines, ${data.byteLength} bytes.`;
  },
});

/** How a file is written, besides what it says. */
interface Style {
  format: TextFormat;
  /** Every line of it ends with `\r\n`. */
  isCrlf: boolean;
}

const PLAIN: Style = { format: UTF8, isCrlf: false };

/** Undefined where nothing is. */
async function present(sandbox: Sandbox, path: string): Promise<FileContent | undefined> {
  try {
    return await sandbox.readFile(path, { offset: 0, length: LIMITS.fileBytes });
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** What takes the place of something that is no text has nothing to keep of it. */
function styleOf({ data, size }: FileContent): Style {
  const decoded = size === data.byteLength ? decodeText(data) : undefined;
  if (decoded === undefined) return PLAIN;
  const isCrlf = decoded.text.includes('\r\n') && !/(^|[^\r])\n/.test(decoded.text);
  return { format: decoded.format, isCrlf };
}
