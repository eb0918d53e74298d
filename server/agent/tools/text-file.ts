import type { Sandbox } from '../../sandbox/sandbox.ts';
import { LIMITS } from './limits.ts';
import { ToolProblem } from './tool.ts';

export interface TextFile {
  text: string;
  sha256: string;
}

/** A file as text, exactly: a byte order mark stays in it, and what is not UTF-8 is refused rather than damaged. */
export async function readTextFile(sandbox: Sandbox, path: string): Promise<TextFile> {
  const { data, size, sha256 } = await sandbox.readFile(path, { offset: 0, length: LIMITS.fileBytes });
  if (size > data.byteLength) {
    throw new ToolProblem(
      `${path} has ${size} bytes, more than the ${LIMITS.fileBytes} that fit. Use bash (head, tail, sed) or grep to look at parts of it.`,
    );
  }
  const text = decodeText(data);
  if (text === undefined) {
    throw new ToolProblem(
      `${path} is not a UTF-8 text file (${size} bytes). Use bash to inspect it, for example with file or xxd.`,
    );
  }
  return { text, sha256 };
}

/** Undefined for what is not text: invalid UTF-8, or a NUL byte in it. */
export function decodeText(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
