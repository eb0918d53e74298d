import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeFrame, type Frame, frameReader } from '../../../server/sandbox/supervised/wire.ts';

const LIMITS = { header: 1_000, body: 1_000 };

describe('frames between relay and sandbox', () => {
  it('come out as they went in, however the bytes are cut', () => {
    const frame = fc.record({
      header: fc.record({ id: fc.nat(), text: fc.string({ maxLength: 50 }) }),
      body: fc.uint8Array({ maxLength: 300 }),
    });
    const cuts = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), cuts, (frames, sizes) => {
        const bytes = Buffer.concat(frames.flatMap(({ header, body }) => encodeFrame(header, body)));
        const seen: Frame[] = [];
        const read = frameReader(LIMITS, (one) => seen.push(one));
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          read(bytes.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(
          seen,
          frames.map(({ header, body }) => ({
            header: { ...header, bytes: body.length },
            body: Buffer.from(body),
          })),
        );
      }),
    );
  });

  const hostile: Array<[name: string, bytes: Buffer]> = [
    ['a header without an end', Buffer.alloc(2_000, 'x')],
    ['a body longer than the limit', Buffer.from('{"bytes":1001}\n')],
    ['a negative length', Buffer.from('{"bytes":-1}\n')],
    ['a length that is no number', Buffer.from('{"bytes":"1"}\n')],
    ['no length', Buffer.from('{}\n')],
    ['a header that is no object', Buffer.from('null\n')],
    ['a header that is not JSON', Buffer.from('hello\n')],
  ];
  for (const [name, bytes] of hostile) {
    it(`refuse ${name}`, () => {
      assert.throws(() => frameReader(LIMITS, () => {})(bytes));
    });
  }
});
