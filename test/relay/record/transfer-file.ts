import { randomUUID } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';

/** A task's file as lines, which a test may change. */
export type Line = Record<string, unknown> & { line: string };
export const linesOf = (file: Uint8Array): Line[] =>
  gunzipSync(file)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
export const fileOf = (lines: Line[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
/** The same as a task that no relay has: its id and its turns' are others. */
export function anew(lines: Line[]): { taskId: string; lines: Line[] } {
  let text = JSON.stringify(lines);
  const ids = lines.flatMap((line) => (line.line === 'turn' ? [String(line['turnId'])] : []));
  const taskId = randomUUID();
  text = text.replaceAll(String(lines[0]?.['taskId']), taskId);
  for (const id of ids) text = text.replaceAll(id, randomUUID());
  return { taskId, lines: JSON.parse(text) };
}
/** With more events at the log's end. */
export function saying(lines: Line[], events: { type: string; body: Record<string, unknown> }[]): Line[] {
  const last = lines.findLastIndex(({ line }) => line === 'event');
  const seq = Number(lines[last]?.['seq']);
  const more = events.map((event, index) => ({
    line: 'event',
    seq: seq + 1 + index,
    key: `said:${index}`,
    at: 1,
    ...event,
  }));
  const all = lines.toSpliced(last + 1, 0, ...more);
  return all.map((line) => (line.line === 'task' ? { ...line, seq: seq + more.length } : line));
}
export const bytes = (file: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(file);
