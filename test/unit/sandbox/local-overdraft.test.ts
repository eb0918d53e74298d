import assert from 'node:assert/strict';
import type { DiskLook } from '../../../server/sandbox/local/disk.ts';
import { barred, createDiskWatch } from '../../../server/sandbox/local/overdraft.ts';

const LIMITS = { memory: 1, disk: 100, files: 10_000 };

/** The looks, by their number, for which a sandbox is stopped. */
function stops(looks: DiskLook[], watch = createDiskWatch()): number[] {
  return [...looks.entries()]
    .filter(([, look]) => watch.judge('s', look, LIMITS) !== undefined)
    .map(([n]) => n);
}
const disk = (...all: number[]): DiskLook[] => all.map((mib) => ({ disk: mib, files: 1 }));
const files = (...all: number[]): DiskLook[] => all.map((count) => ({ disk: 1, files: count }));

describe('the disk of a local sandbox', () => {
  it('stops it once for what is there, and again only for 256 MiB more than it ever came down to', () => {
    assert.deepEqual(
      stops(disk(90, 110, 110, 300, 366, 367, 367, 600, 150, 300, 406, 407, 100, 101)),
      [1, 5, 11, 13],
    );
  });

  it('stops it for too many files too, and again only for 1000 more', () => {
    assert.deepEqual(stops(files(10_000, 10_001, 11_001, 11_002)), [1, 3]);
  });

  it('stops it for the third look in a row that saw nothing, and for each that took too long', () => {
    const [seen] = disk(1);
    const none = undefined;
    assert.deepEqual(stops([none, none, seen, none, none, none, none, none, none]), [5, 8]);
    assert.deepEqual(stops(['too-long', seen, 'too-long', none]), [0, 2]);
  });

  it('keeps it from being started after three stops, until it has less', () => {
    const watch = createDiskWatch();
    stops(disk(101, 400), watch);
    assert.equal(watch.isBarred('s'), false);
    stops(['too-long'], watch);
    assert.deepEqual([watch.isBarred('s'), watch.isBarred('other')], [true, false]);
    stops(disk(100), watch);
    assert.equal(watch.isBarred('s'), false);
    stops(disk(101, 400, 700), watch);
    assert.equal(watch.isBarred('s'), true);
    watch.forget('s');
    assert.equal(watch.isBarred('s'), false);
  });

  it('says why', () => {
    const watch = createDiskWatch();
    const [whole = assert.fail()] = disk(101);
    const all = [whole, ...files(10_001), 'too-long' as const].map((look) => {
      watch.forget('s');
      return watch.judge('s', look, LIMITS);
    });
    assert.deepEqual(
      [...all, barred('s', LIMITS)].map((why) => [why?.code, why?.message, why?.nextAction]),
      [
        [
          'limit',
          'The sandbox was stopped because it used 101 MiB on disk; its limit is 100 MiB. Its files are kept.',
          'Resume it and delete what is not needed, or set HANDOFF_SANDBOX_DISK_MIB to more and start a new task.',
        ],
        [
          'limit',
          'The sandbox was stopped because it used 10001 files and folders; its limit is 10000 files. Its files are kept.',
          'Resume it and delete what is not needed.',
        ],
        [
          'limit',
          'The sandbox was stopped because what it has on disk took too long to measure. Its files are kept.',
          'Resume it and delete what is not needed, many small files above all.',
        ],
        [
          'limit',
          'The sandbox is not started: it was stopped 3 times for what it has on disk, and still has more than its limit of 100 MiB. Its files are kept.',
          'Review what was captured, set HANDOFF_SANDBOX_DISK_MIB to more and start a new task; or delete what is not needed in sandboxes/s of the data folder (HANDOFF_DATA), and resume it.',
        ],
      ],
    );
  });
});
