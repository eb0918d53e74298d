import type { CallToolResult } from '@modelcontextprotocol/client';
import { LIMITS } from './limits.ts';

export type Block = CallToolResult['content'][number];

/**
 * A call's result as the model reads it. What is no text is named, with where it is to be had.
 * @param hide strikes out what must not be shown
 * @param shown images that the model is shown besides
 */
export function resultText(
  { content, structuredContent }: Pick<CallToolResult, 'content' | 'structuredContent'>,
  hide: (text: string) => string,
  shown: ReadonlySet<Block> = new Set(),
): string {
  const parts = content
    .map((block) => blockText(block, shown.has(block), hide))
    .filter((part) => part !== '');
  if (parts.length === 0 && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  return hide(parts.join('\n')) || '[the tool returned nothing]';
}

function blockText(block: Block, isShown: boolean, hide: (text: string) => string): string {
  const short = (text: string): string => inLine(text, hide);
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio': {
      const how = isShown ? 'shown below' : 'not shown';
      return `[${block.type}, ${short(block.mimeType)}, ${sizeOf(block.data)} bytes: ${how}]`;
    }
    case 'resource_link': {
      const described = block.description === undefined ? '' : `: ${short(block.description)}`;
      return `[resource ${short(block.name)}, ${short(block.uri)}${described}]`;
    }
    case 'resource': {
      const { resource } = block;
      if ('text' in resource) return `[resource ${short(resource.uri)}]\n${resource.text}`;
      return `[resource ${short(resource.uri)}, ${sizeOf(resource.blob)} bytes: not shown]`;
    }
  }
}

/** Of what base64 stands for. */
export const sizeOf = (base64: string): number => Buffer.byteLength(base64, 'base64');

/** Of a stranger's text, what may stand within a sentence of ours: struck out before it is cut, as `complaintOf`. */
export const inLine = (text: string, hide: (text: string) => string): string =>
  hide(plain(text)).replace(/\s+/g, ' ').slice(0, LIMITS.inLine).toWellFormed();

/** Of what kept a server from its work, what is shown: struck out before it is cut, for half a credential is not found. */
export const complaintOf = (message: string, hide: (text: string) => string): string =>
  hide(message).slice(0, LIMITS.complaint).toWellFormed();

/** A statement as a sentence of its own; what a server said may have ended one already. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Without what is not to be read but to be acted on by a terminal. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Keeps both ends, and says how much is missing. @param handle by which `read` shows what is kept of it */
export function cutResult(text: string, handle: string): string {
  const half = LIMITS.result / 2;
  const [head, tail] = [text.slice(0, half).toWellFormed(), text.slice(-half).toWellFormed()];
  const lost = text.length - half - LIMITS.kept;
  const shows = lost > 0 ? `all but the last ${lost} of them` : 'them';
  return `${head}\n[${text.length - 2 * half} characters left out here; read ${handle} shows ${shows}]\n${tail}`;
}
