import * as vscode from 'vscode';

const UTF = /^utf/;

/** Whether VS Code may take it for text and be right: zeros without the mark of UTF-16 are no text, though short ones pass for it. */
export function mayBeText(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return isUtf16 || !bytes.includes(0);
}

/**
 * Bytes as a document in that encoding shows them, without a byte order mark; nothing where they are no text, or one that such a document
 * cannot hold. What is UTF-8 is taken for that: Git may keep a file in another encoding than it has on disk.
 */
export async function textOf(bytes: Uint8Array, encoding: string): Promise<string | undefined> {
  if (!mayBeText(bytes)) return undefined;
  const utf8 = decodeUtf8(bytes);
  if (utf8 !== undefined)
    return UTF.test(encoding) || (await canHold(utf8, encoding)) ? withoutMark(utf8) : undefined;
  const text = await decode(bytes, encoding);
  return text === undefined ? undefined : withoutMark(text);
}

const canHold = async (text: string, encoding: string): Promise<boolean> =>
  (await vscode.workspace.decode(await vscode.workspace.encode(text, { encoding }), { encoding })) === text;

/** Nothing where the bytes are none of that encoding. A mark may be gone: it is the document that has one or not. */
async function decode(bytes: Uint8Array, encoding: string): Promise<string | undefined> {
  // It throws for what it takes to be binary.
  const text = await vscode.workspace.decode(bytes, { encoding }).then(
    (decoded) => decoded,
    () => undefined,
  );
  if (text === undefined) return undefined;
  const again = await vscode.workspace.encode(withoutMark(text), { encoding });
  const length = Math.min(bytes.length, again.length);
  const isExact =
    Buffer.compare(bytes.subarray(bytes.length - length), again.subarray(again.length - length)) === 0;
  return isExact && Math.abs(bytes.length - again.length) <= MARK_LENGTH ? text : undefined;
}

/** The longest byte order mark, in bytes: that of UTF-8. */
const MARK_LENGTH = 3;

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const withoutMark = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text);
