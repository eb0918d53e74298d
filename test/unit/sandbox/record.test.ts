import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { ExecOutcome, StreamName } from '../../../server/sandbox/supervised/wire.ts';
import { type ExecRecord, type ExecRecords, execRecords } from '../../../server/sandbox/supervisor/record.ts';

const nothing = { headBytes: 0, tailBytes: 0, omittedBytes: 0 };
const DONE: ExecOutcome = { exitCode: 0, reason: 'exit', durationMs: 1, stdout: nothing, stderr: nothing };
const MIB = 1 << 20;

describe('the record of a command', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'handoff-records-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const replayed = (record: ExecRecord): Array<[StreamName, Buffer]> => {
    const heard: Array<[StreamName, Buffer]> = [];
    record.output.replay((name, chunk) => heard.push([name, chunk]));
    return heard;
  };
  /** A command that printed so many bytes, and ended. */
  const ran = (records: ExecRecords, execId: string, bytes: number): void => {
    const record = records.claim(execId);
    record.output.append('stdout', Buffer.alloc(bytes, execId));
    record.finish(DONE, []);
  };
  const kept = (records: ExecRecords, execIds: string[]): Array<number | string> =>
    execIds.map((execId) => {
      try {
        return records.find(execId)?.output.read('stdout', { offset: 0, length: 1 }).size ?? 'unknown';
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
      }
    });

  it('gives back any part of either stream, however the chunks came, while it grows and in its next life', () => {
    const chunk = fc.tuple(fc.constantFrom<StreamName>('stdout', 'stderr'), fc.uint8Array({ maxLength: 30 }));
    const range = fc.record({ offset: fc.nat(400), length: fc.nat(400) });
    let run = 0;
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 30 }), range, fc.nat(30), (chunks, asked, looksAt) => {
        run += 1;
        const records = execRecords(folder);
        const record = records.claim(`run ${run}`);
        const printed = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
        const look = (where: ExecRecord | undefined): void => {
          for (const name of ['stdout', 'stderr'] as const) {
            const data = printed[name].subarray(asked.offset, asked.offset + asked.length);
            assert.deepEqual(where?.output.read(name, asked), { data, size: printed[name].length });
          }
        };
        for (const [at, [name, bytes]] of chunks.entries()) {
          if (at === looksAt) look(records.find(`run ${run}`));
          record.output.append(name, Buffer.from(bytes));
          printed[name] = Buffer.concat([printed[name], bytes]);
        }
        record.finish(DONE, []);
        const next = execRecords(folder).find(`run ${run}`);
        look(next);
        assert.deepEqual(
          next && replayed(next),
          chunks.map(([name, bytes]) => [name, Buffer.from(bytes)]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('keeps all of 64 MiB, of which those who attach hear the first 4', () => {
    const records = execRecords(folder);
    const record = records.claim('long');
    for (let mib = 0; mib < 70; mib += 1) record.output.append('stdout', Buffer.alloc(MIB, mib));
    record.output.append('stderr', Buffer.from('too late'));
    const last = records.find('long')?.output.read('stdout', { offset: 64 * MIB - 2, length: 10 });
    assert.deepEqual(last, { data: Buffer.alloc(2, 63), size: 64 * MIB });
    assert.equal(record.output.read('stderr', { offset: 0, length: 10 }).size, 0);
    assert.equal(replayed(record).length, 4);
  });

  it('answers at most 8 MiB at once', () => {
    const record = execRecords(folder).claim('long');
    record.output.append('stdout', Buffer.alloc(9 * MIB));
    const { data, size } = record.output.read('stdout', { offset: 0, length: 9 * MIB });
    assert.deepEqual([data.length, size], [8 * MIB, 9 * MIB]);
  });

  it('loses its output, oldest first, where all have too much together; never its result', () => {
    const limits = { each: 60, together: 100 };
    const records = execRecords(folder, limits);
    ran(records, 'first', 40);
    ran(records, 'second', 40);
    ran(records, 'third', 30);
    assert.deepEqual(kept(records, ['first', 'second', 'third']), ['not-found', 40, 30]);
    assert.deepEqual(records.find('first')?.ending()?.outcome, { ...DONE, bytes: 0 });
    assert.throws(() => records.claim('first'), { code: 'EEXIST' });
    const first = records.find('first');
    assert.deepEqual(first && replayed(first), []);
  });

  it('counts what earlier lives of the sandbox left, and drops that first', () => {
    const limits = { each: 60, together: 100 };
    ran(execRecords(folder, limits), 'before', 60);
    const records = execRecords(folder, limits);
    ran(records, 'after', 30);
    assert.deepEqual(kept(records, ['before', 'after']), [60, 30]);
    ran(records, 'later', 20);
    assert.deepEqual(kept(records, ['before', 'after', 'later']), ['not-found', 30, 20]);
  });

  it('is not dropped while its command runs: who finds no room then is cut', () => {
    const records = execRecords(folder, { each: 60, together: 100 });
    const [one, two] = [records.claim('one'), records.claim('two')];
    one.output.append('stdout', Buffer.alloc(60));
    two.output.append('stdout', Buffer.alloc(40));
    two.output.append('stdout', Buffer.alloc(1));
    one.finish(DONE, []);
    two.output.append('stdout', Buffer.alloc(1));
    assert.deepEqual(kept(records, ['one', 'two']), [60, 40]);
  });

  it('lets the command go on when the disk is full, and ends before the hole', () => {
    const records = execRecords(folder);
    const record = records.claim('unlucky');
    const [place = ''] = readdirSync(folder);
    symlinkSync('/dev/full', join(folder, place, 'stderr'));
    record.output.append('stdout', Buffer.from('written'));
    record.output.append('stderr', Buffer.from('fails'));
    record.output.append('stdout', Buffer.from('after the hole'));
    assert.deepEqual(replayed(record), [['stdout', Buffer.from('written')]]);
    record.finish(DONE, []);
    assert.deepEqual(records.find('unlucky')?.ending()?.outcome, { ...DONE, bytes: 0 });
    assert.ok(existsSync(join(folder, place, 'stdout')));
  });
});
