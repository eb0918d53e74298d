import type { Sandbox } from '../../sandbox/sandbox.ts';
import { LIMITS } from './limits.ts';
import { ToolProblem } from './tool.ts';

/** How a file's text is written as bytes. What is changed of it stays so. */
export interface TextFormat {
  encoding: 'UTF-8' | 'UTF-16 LE' | 'UTF-16 BE' | 'Windows-1252';
  /** Whether it begins with a byte order mark, which is no part of the text. */
  hasMark: boolean;
}

export const UTF8: TextFormat = { encoding: 'UTF-8', hasMark: false };

export interface TextFile {
  text: string;
  format: TextFormat;
  /** As it is stored. */
  data: Uint8Array;
  sha256: string;
}

/** A file as text, exactly: what could not be written back byte for byte is refused rather than damaged. */
export async function readTextFile(sandbox: Sandbox, path: string): Promise<TextFile> {
  const { data, size, sha256 } = await sandbox.readFile(path, { offset: 0, length: LIMITS.fileBytes });
  refuseLarge(path, data, size);
  const decoded = decodeText(data);
  if (decoded === undefined) throw notText(path, size);
  return { ...decoded, data, sha256 };
}

export function refuseLarge(path: string, data: Uint8Array, size: number): void {
  if (size <= data.byteLength) return;
  throw new ToolProblem(
    `${path} has ${size} bytes, more than the ${LIMITS.fileBytes} that fit. Use bash (head, tail, sed) or grep to look at parts of it.`,
  );
}

export const notText = (path: string, size: number): ToolProblem =>
  new ToolProblem(
    `${path} is not a text file (${size} bytes). Use bash to inspect it, for example with file or xxd.`,
  );

/** Undefined for what is not text, or would not come back as it was. */
export function decodeText(data: Uint8Array): Pick<TextFile, 'text' | 'format'> | undefined {
  const marked = MARKS.find(({ mark }) => mark.every((byte, index) => data[index] === byte));
  if (marked) return decodeAs(data, { encoding: marked.encoding, hasMark: true });
  return decodeAs(data, UTF8) ?? decodeAs(data, { encoding: 'Windows-1252', hasMark: false });
}

/** The same text as bytes of that format; undefined where it has characters that the format has not. */
export function encodeText(text: string, { encoding, hasMark }: TextFormat): Buffer | undefined {
  const mark = hasMark ? (MARKS.find((known) => known.encoding === encoding)?.mark ?? []) : [];
  const body = ENCODE[encoding](text);
  if (body === undefined) return undefined;
  return mark.length === 0 ? body : Buffer.concat([Uint8Array.from(mark), body]);
}

const MARKS: { encoding: TextFormat['encoding']; mark: number[] }[] = [
  { encoding: 'UTF-8', mark: [0xef, 0xbb, 0xbf] },
  { encoding: 'UTF-16 LE', mark: [0xff, 0xfe] },
  { encoding: 'UTF-16 BE', mark: [0xfe, 0xff] },
];

const LABELS: Record<TextFormat['encoding'], string> = {
  'UTF-8': 'utf-8',
  'UTF-16 LE': 'utf-16le',
  'UTF-16 BE': 'utf-16be',
  'Windows-1252': 'windows-1252',
};

const ENCODE: Record<TextFormat['encoding'], (text: string) => Buffer | undefined> = {
  'UTF-8': (text) => (text.isWellFormed() ? Buffer.from(text, 'utf8') : undefined),
  'UTF-16 LE': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16 BE': (text) => Buffer.from(text, 'utf16le').swap16(),
  'Windows-1252': toWindows1252,
};

/** What no text has: a NUL, and in a file that says nothing of its encoding the other signs of a program's data. */
const NUL = '\0';
const DATA = /[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]/;

function decodeAs(data: Uint8Array, format: TextFormat): Pick<TextFile, 'text' | 'format'> | undefined {
  try {
    const text = new TextDecoder(LABELS[format.encoding], { fatal: true, ignoreBOM: !format.hasMark }).decode(
      data,
    );
    if (format.encoding === 'UTF-8') return text.includes(NUL) ? undefined : { text, format };
    if (format.encoding === 'Windows-1252' ? DATA.test(text) : text.includes(NUL)) return undefined;
    const again = encodeText(text, format);
    return again?.equals(data) ? { text, format } : undefined;
  } catch {
    return undefined;
  }
}

/** By character, as this Node decodes each of the 256 bytes: so that what is read is written as it was. */
let windows1252: Map<string, number> | undefined;

function toWindows1252(text: string): Buffer | undefined {
  windows1252 ??= new Map(
    Array.from({ length: 256 }, (_, byte) => [
      new TextDecoder('windows-1252').decode(Uint8Array.of(byte)),
      byte,
    ]),
  );
  const bytes = Buffer.alloc(text.length);
  for (let at = 0; at < text.length; at++) {
    const byte = windows1252.get(text.charAt(at));
    if (byte === undefined) return undefined;
    bytes[at] = byte;
  }
  return bytes;
}
