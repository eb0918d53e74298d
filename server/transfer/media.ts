import type pg from 'pg';
import * as z from 'zod';
import { LIMITS as TOOL_LIMITS } from '../agent/tools/limits.ts';
import { mediaTypeOf } from '../agent/tools/media-type.ts';
import type { LineOf } from './export-file.ts';
import { invalid } from './import-lines.ts';
import { LIMITS } from './limits.ts';

/** Characters of base64 in one line; a multiple of four, so that each is base64 by itself. */
const PIECE = 2 ** 20;
/** Characters of base64 that what a model may be shown takes at most. */
const LONGEST = Math.ceil(TOOL_LIMITS.mediaBytes / 3) * 4;

const Shown = z.object({ callId: z.string(), media: z.array(z.object({ key: z.string() })) });

/** Keys under which is kept what a tool's result showed the model: none but the call's own, for other keys are of what steps decided. */
export function mediaKeysIn(type: string, body: unknown): string[] {
  const shown = type === 'tool.finished' ? Shown.safeParse(body).data : undefined;
  if (shown === undefined) return [];
  const own = `${shown.callId}:media:`;
  return shown.media
    .map(({ key }) => key)
    .filter((key) => key.startsWith(own) && /^\d{1,3}$/.test(key.slice(own.length)));
}

/** What models were shown as lines of a task's file, the newest first: what does not fit in is told as not kept any more. */
export async function* mediaLines(
  client: pg.PoolClient,
  taskId: string,
  keys: readonly string[],
): AsyncGenerator<LineOf<'media'>> {
  let room: number = LIMITS.media;
  for (const key of keys.toReversed()) {
    const { rows } = await client.query<{ value: unknown }>(
      'SELECT value FROM handoff.memos WHERE task_id = $1 AND key = $2',
      [taskId, key],
    );
    const base64 = rows[0]?.value;
    if (typeof base64 !== 'string') continue;
    const pieces = Array.from({ length: Math.ceil(base64.length / PIECE) }, (_, n) =>
      base64.slice(n * PIECE, (n + 1) * PIECE),
    );
    const lines = pieces.map((data): LineOf<'media'> => ({ line: 'media', key, data }));
    room -= lines.reduce((sum, line) => sum + JSON.stringify(line).length, 0);
    if (room < 0) return;
    yield* lines;
  }
}

/** Takes such lines in. Fails with `import_invalid` for what no call of the task showed, and for what is no image or PDF. */
export interface ImportedMedia {
  /** A call showed these; to be said before they come. */
  expect(keys: readonly string[]): void;
  add(taskId: string, line: LineOf<'media'>, number: number): Promise<void>;
  /** After the last line. */
  finish(): Promise<void>;
}

/** @param client has an open transaction, in which the task's row is */
export function importMedia(client: pg.PoolClient): ImportedMedia {
  const expected = new Set<string>();
  let open: { taskId: string; key: string; data: string; number: number } | undefined;

  async function finish(): Promise<void> {
    if (open === undefined) return;
    const { taskId, key, data, number } = open;
    open = undefined;
    if (mediaTypeOf(Buffer.from(data, 'base64')) === undefined)
      throw invalid(number, 'what the model was shown is neither an image nor a PDF');
    await client.query('INSERT INTO handoff.memos (task_id, key, value) VALUES ($1, $2, $3)', [
      taskId,
      key,
      JSON.stringify(data),
    ]);
  }

  return {
    expect(keys) {
      for (const key of keys) expected.add(key);
    },
    async add(taskId, { key, data }, number) {
      if (open?.key === key) open.data += data;
      else {
        await finish();
        // Once: it is not told of again.
        if (!expected.delete(key))
          throw invalid(number, 'no call showed this to the model, or it is there twice');
        open = { taskId, key, data, number };
      }
      if (open.data.length > LONGEST) throw invalid(number, 'what the model was shown is too large');
    },
    finish,
  };
}
