import assert from 'node:assert/strict';
import { createTextStream } from '../../../server/agent/text-stream.ts';

describe('the text stream', () => {
  it('gathers what comes quickly, in order, and loses nothing at the end', async () => {
    const pieces: [string, number][] = [];
    const stream = createTextStream(60_000, async (text, index) => {
      pieces.push([text, index]);
    });
    for (const text of ['a', 'b', 'c']) stream.push(text);
    await stream.close();
    assert.deepEqual(pieces, [['abc', 0]]);
  });

  it('hands on while more comes, one piece at a time', async () => {
    const taken = Promise.withResolvers<void>();
    const pieces: string[] = [];
    const stream = createTextStream(1, async (text) => {
      pieces.push(text);
      taken.resolve();
    });
    stream.push('first');
    await taken.promise;
    stream.push('second');
    await stream.close();
    assert.deepEqual(pieces, ['first', 'second']);
  });

  it('reports a failed hand-over when it is closed', async () => {
    const stream = createTextStream(1, async () => {
      throw new RangeError('no');
    });
    stream.push('x');
    await assert.rejects(stream.close(), RangeError);
  });

  it('hands on nothing where nothing came', async () => {
    const stream = createTextStream(1, async () => assert.fail());
    await stream.close();
  });
});
