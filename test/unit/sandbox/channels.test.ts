import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Duplex, duplexPair, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Channels, createChannels, WINDOW } from '../../../server/sandbox/supervised/channels.ts';
import { encodeFrame, type Frame, frameReader } from '../../../server/sandbox/supervised/wire.ts';

const LIMITS = { header: 1_000, body: 1 << 20 };

interface Side {
  channels: Channels;
  carrier: Duplex;
  /** Body bytes that were sent from this side. */
  sent: number;
  /** What came in, unless a channel took it. */
  other: unknown[];
}

function side(carrier: Duplex): Side {
  const channels = createChannels(carrier, (header, body) => {
    at.sent += body?.byteLength ?? 0;
    return carrier.write(Buffer.concat(encodeFrame(header, body)));
  });
  const at: Side = { channels, carrier, sent: 0, other: [] };
  const read = frameReader(LIMITS, (frame) => {
    if (!channels.take(frame)) at.other.push(frame.header);
  });
  carrier.on('data', read).on('error', () => {});
  return at;
}

function sides(): { here: Side; there: Side } {
  const [one, two] = duplexPair();
  return { here: side(one), there: side(two) };
}

const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
const frame = (header: object, body = Buffer.alloc(0)): Frame => ({ header, body });
/** Long enough for everything that is on its way in this process. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('channels over one connection', () => {
  it('carry both ways, many at once, byte for byte', async () => {
    const { here, there } = sides();
    const echoed = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const data = randomBytes(3 * WINDOW + index);
        const far = there.channels.open(index);
        const near = here.channels.open(index);
        void pipeline(far, far);
        const [back] = await Promise.all([
          buffer(near),
          pipeline(Readable.from([data]), near, { end: true }),
        ]);
        return sha(back) === sha(data);
      }),
    );
    assert.deepEqual(echoed, Array(20).fill(true));
    assert.deepEqual([here.channels.count, there.channels.count], [0, 0]);
  });

  it('let one end be over and the other go on', async () => {
    const { here, there } = sides();
    const near = here.channels.open(1);
    const far = there.channels.open(1);
    near.end('question');
    assert.equal(String(await buffer(far)), 'question');
    far.end('answer');
    assert.equal(String(await buffer(near)), 'answer');
  });

  it('send no more than a window ahead of a reader who does not read, and let others pass', async () => {
    const { here, there } = sides();
    here.channels.open(1);
    const far = there.channels.open(1);
    far.write(randomBytes(10 * WINDOW));
    await settled();
    const buffered = there.sent;
    const near = here.channels.open(2);
    there.channels.open(2).end('passing');
    assert.equal(String(await buffer(near)), 'passing');
    assert.ok(buffered >= WINDOW && buffered <= 2 * WINDOW, `${buffered} bytes were sent`);
  });

  it('wait for a carrier that is full, and so do not fill it', async () => {
    const [one, two] = duplexPair({ highWaterMark: 1_000 });
    const there = side(two);
    one.pause();
    for (let channel = 0; channel < 10; channel += 1) there.channels.open(channel).write(randomBytes(WINDOW));
    await settled();
    assert.ok(there.sent <= 10 * (64 << 10), `${there.sent} bytes were sent`);
  });

  it('end with the connection', async () => {
    const { here } = sides();
    const near = here.channels.open(1);
    const failed = once(near, 'error');
    near.resume();
    here.carrier.destroy();
    const [error] = await failed;
    assert.deepEqual([error.code, here.channels.count], ['lost', 0]);
  });

  it('are broken off at the other end where one is destroyed', async () => {
    const { here, there } = sides();
    const far = there.channels.open(1);
    const closed = once(far, 'error');
    here.channels.open(1).destroy();
    const [error] = await closed;
    assert.deepEqual([error.code, there.channels.count], ['failed', 0]);
  });

  it('keep what was said before the other end hung up, and drop what is written to it', async () => {
    const { here, there } = sides();
    const near = here.channels.open(1);
    const far = there.channels.open(1);
    near.write(randomBytes(3 * WINDOW));
    far.end(Buffer.alloc(1_000, 'said'));
    await settled();
    far.destroy();
    await settled();
    near.end();
    assert.deepEqual(
      [String(await buffer(near)), here.channels.count, there.channels.count],
      ['said'.repeat(250), 0, 0],
    );
  });

  it('leave alone what belongs to none', () => {
    const { here } = sides();
    assert.deepEqual(
      [{ id: 1, value: {} }, { id: 1, output: 'stdout' }, null, 'text', {}].map((header) =>
        here.channels.take({ header, body: Buffer.alloc(0) }),
      ),
      [false, false, false, false, false],
    );
  });

  const hostile: Array<[name: string, frames: Frame[]]> = [
    [
      'more than a window',
      Array.from({ length: 30 }, () => frame({ channel: 1, sign: 'data' }, randomBytes(60_000))),
    ],
    [
      'data after the end',
      [frame({ channel: 1, sign: 'end' }), frame({ channel: 1, sign: 'data' }, randomBytes(1))],
    ],
    ['credit that nobody needs', [frame({ channel: 1, sign: 'credit', credit: 1 })]],
    ['credit below nothing', [frame({ channel: 1, sign: 'credit', credit: -1 })]],
    ['credit that is no number', [frame({ channel: 1, sign: 'credit', credit: '9' })]],
    ['an unknown sign', [frame({ channel: 1, sign: 'constructor' })]],
  ];
  for (const [name, frames] of hostile) {
    it(`are closed by ${name}, and their neighbours go on`, async () => {
      const { here, there } = sides();
      const bad = here.channels.open(1);
      const closed = once(bad, 'error');
      for (const one of frames) here.channels.take(one);
      const [error] = await closed;
      assert.equal(error.code, 'failed');
      const near = here.channels.open(2);
      there.channels.open(2).end('well');
      assert.equal(String(await buffer(near)), 'well');
    });
  }

  it('do not mind frames for one that is not there', () => {
    const { here } = sides();
    for (const sign of ['data', 'end', 'credit', 'reset'])
      assert.equal(here.channels.take(frame({ channel: 9, sign })), true);
    assert.equal(here.channels.count, 0);
  });
});
