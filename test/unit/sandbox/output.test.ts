import assert from 'node:assert/strict';
import fc from 'fast-check';
import { boundedOutput } from '../../../server/sandbox/supervisor/output.ts';

describe('the bounded output of a command', () => {
  it('is its first half and its last half, and the count of what is between, in whatever pieces it came', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 0, max: 200 }), (chunks, limit) => {
        const output = boundedOutput(limit);
        for (const chunk of chunks) output.push(Buffer.from(chunk));
        const all = Buffer.concat(chunks);
        const headBytes = Math.min(all.length, Math.ceil(limit / 2));
        const tailBytes = Math.min(all.length - headBytes, Math.floor(limit / 2));
        const { shape, parts } = output.shape();
        assert.deepEqual(
          { shape, kept: Buffer.concat(parts) },
          {
            shape: { headBytes, tailBytes, omittedBytes: all.length - headBytes - tailBytes },
            kept: Buffer.concat([all.subarray(0, headBytes), all.subarray(all.length - tailBytes)]),
          },
        );
      }),
    );
  });
});
