import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createTurnstile } from '../../../server/engine/turnstile.ts';
import { readLines } from '../../../server/transfer/import-lines.ts';
import { createTally, LIMITS } from '../../../server/transfer/limits.ts';

describe('what a task’s file may hold', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'handoff-bounds-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const TURN = JSON.stringify({
    line: 'turn',
    turnId: '3f0f3a52-0000-4000-8000-000000000000',
    createdAt: 1,
  });
  const read = async (text: string): Promise<number> => {
    const file = join(folder, 'file');
    await writeFile(file, gzipSync(text));
    let lines = 0;
    for await (const _ of readLines(file)) lines += 1;
    return lines;
  };

  it('is counted while it is read', async () => {
    const turns = (count: number): string => `${TURN}\n`.repeat(count);
    assert.equal(await read(`${turns(LIMITS.turns)}{"line":"end"}\n`), LIMITS.turns + 1);
    await assert.rejects(read(turns(LIMITS.turns + 1)), {
      code: 'import_invalid',
      message: 'Line 2001 of the file: the file is too large: it has more than 2000 turns.',
    });
  });
  it('is a small line, but for the first, which has the person’s files', async () => {
    const long = ' '.repeat(LIMITS.line);
    assert.equal(await read(`${long}${TURN}\n{"line":"end"}`), 2);
    await assert.rejects(read(`${TURN}\n${long}${TURN}\n{"line":"end"}`), {
      code: 'import_invalid',
      message:
        'Line 2 of the file: the file is too large: one line of it, about a task’s turn, has more than 4194304 bytes.',
    });
  });
  it('is the same for whoever writes it', () => {
    const events = createTally();
    for (let count = 0; count < LIMITS.events; count += 1) assert.equal(events.add('event', 10), undefined);
    assert.equal(events.add('pack', 10), undefined);
    assert.equal(events.add('media', 10), undefined);
    assert.equal(events.add('event', 10), 'it has more than 100000 events');
    const record = createTally();
    assert.equal(record.add('task', LIMITS.taskLine), undefined);
    for (let left = LIMITS.record - LIMITS.taskLine; left > 0; left -= LIMITS.line)
      assert.equal(record.add('event', LIMITS.line), undefined);
    assert.equal(record.add('end', 14), 'its record has more than 134217728 bytes');
  });
});

describe('the way to a relay’s database for files', () => {
  it('lets so many in, lets some wait in order, and tells the others to come again', async () => {
    const way = createTurnstile(1, 2);
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const visit = (name: string, until?: Promise<void>): Promise<unknown> =>
      way(async () => {
        seen.push(`${name} in`);
        await until;
        seen.push(`${name} out`);
      });
    const first = visit('first', gate.promise);
    const failing = way(() => Promise.reject(new Error('broken'))).catch(() => seen.push('failed'));
    const third = visit('third');
    await assert.rejects(visit('fourth'), { code: 'not_ready' });
    assert.deepEqual(seen, ['first in']);
    gate.resolve();
    await Promise.all([first, failing, third]);
    await visit('fifth');
    assert.deepEqual(
      seen.filter((word) => word !== 'failed'),
      ['first in', 'first out', 'third in', 'third out', 'fifth in', 'fifth out'],
    );
  });
});
