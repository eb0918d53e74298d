import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lineReader } from '../../../server/mcp/lines.ts';

describe('lines of a program', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string().map((text) => text.replaceAll('\n', ''))), fc.nat(), (lines, cut) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const heard: string[] = [];
        const take = lineReader(1000, (line) => heard.push(line));
        const size = (cut % 7) + 1;
        for (let at = 0; at < bytes.length; at += size) assert.ok(take(bytes.subarray(at, at + size)));
        assert.deepEqual(
          heard,
          lines.map((line) => Buffer.from(line).toString()),
        );
      }),
    );
  });

  it('end where one is too long', () => {
    const take = lineReader(5, () => {});
    assert.deepEqual([take(Buffer.from('12345\n123')), take(Buffer.from('456'))], [true, false]);
  });
});
