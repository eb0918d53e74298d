import assert from 'node:assert/strict';
import { dress } from '../../../server/environment/dress.ts';
import type { ExecStream } from '../../../server/sandbox/sandbox.ts';
import { type Printed, printingSandbox } from './fake-sandbox.ts';

const SECRET = { name: 'TOKEN', value: 'correct-horse' };
const request = { execId: 'turn:m1c1', argv: ['env'], timeoutMs: 1000, maxOutputBytes: 100 };
const bytes = (text: string) => Buffer.from(text);
const chunk = (text: string, name: ExecStream['name'] = 'stdout') => ({ name, data: bytes(text) });
const text = (data: Uint8Array) => Buffer.from(data).toString();

function dressed(printed: Printed) {
  const bare = printingSandbox(printed);
  return { bare, sandbox: dress(bare, { env: { PLAIN: 'a' }, secrets: [SECRET] }) };
}

describe('a dressed sandbox', () => {
  it('is the same sandbox where there is nothing to put on', () => {
    const bare = printingSandbox();
    assert.equal(dress(bare, { env: {}, secrets: [] }), bare);
  });

  it('gives every command its variables, by environment and not by argv; a command’s own count more', async () => {
    const { bare, sandbox } = dressed({});
    await sandbox.exec({ ...request, env: { PLAIN: 'b', CI: 'true' } });
    assert.deepEqual(bare.started, [{ ...request, env: { PLAIN: 'b', CI: 'true', TOKEN: 'correct-horse' } }]);
  });

  it('leaves the relay’s own scripts as they are', async () => {
    const { bare, sandbox } = dressed({ stdout: { head: bytes('correct-horse') } });
    for (const execId of ['checkout:1', 'capture:restore:1']) {
      const { stdout } = await sandbox.exec({ ...request, execId });
      assert.equal(text(stdout.head), 'correct-horse');
    }
    assert.deepEqual(
      bare.started.map(({ env }) => env),
      [undefined, undefined],
    );
  });

  it('strikes out what is streamed, also across chunks, each stream by itself', async () => {
    const { sandbox } = dressed({
      chunks: [
        chunk('a correct-'),
        chunk('correct-', 'stderr'),
        chunk('horse b correct'),
        chunk('x', 'stderr'),
      ],
    });
    const shown = { stdout: '', stderr: '' };
    await sandbox.exec(request, { onOutput: ({ name, data }) => (shown[name] += text(data)) });
    assert.deepEqual(shown, { stdout: 'a [secret TOKEN] b correct', stderr: 'correct-x' });
  });

  it('strikes out what is returned: whole, and on both sides of an omission', async () => {
    const whole = dressed({ stdout: { head: bytes('x correct-'), tail: bytes('horse y') } });
    assert.deepEqual((await whole.sandbox.exec(request)).stdout, {
      head: bytes('x [secret TOKEN] y'),
      tail: new Uint8Array(),
      omittedBytes: 0,
    });
    const cut = dressed({ stderr: { head: bytes('x correct'), tail: bytes('horse y'), omittedBytes: 7 } });
    assert.deepEqual((await cut.sandbox.exec(request)).stderr, {
      head: bytes('x [secret TOKEN]'),
      tail: bytes('[secret TOKEN] y'),
      omittedBytes: 7,
    });
  });

  it('strikes out what is read later, so that offsets go on meaning the same', async () => {
    const { sandbox } = dressed({ chunks: [chunk('0123 correct-horse 789')] });
    for (const [offset, length, shown] of [
      [0, 100, '0123 ************* 789'],
      [0, 8, '0123 ***'],
      [10, 10, '******** 7'],
      [19, 3, '789'],
    ] as const) {
      const { data, size } = await sandbox.readOutput('x', 'stdout', { offset, length });
      assert.deepEqual([text(data), size], [shown, 22]);
    }
  });

  it('strikes out what a search finds, and gives files as they are, for edits are made of them', async () => {
    const { sandbox } = dressed({ chunks: [chunk('key=correct-horse')] });
    const { matches } = await sandbox.grep({ pattern: 'key', limit: 1 });
    assert.deepEqual(matches, [{ path: 'a', line: 1, text: 'key=[secret TOKEN]' }]);
    assert.equal(text((await sandbox.readFile('a')).data), 'key=correct-horse');
  });

  it('strikes out what is part of a plain variable', async () => {
    const bare = printingSandbox({ stdout: { head: bytes('postgresql://u:pass-word@h/d') } });
    const hidden = [{ name: 'DATABASE_URL', value: 'pass-word' }];
    const { stdout } = await dress(bare, { env: { DATABASE_URL: 'x' }, secrets: [], hidden }).exec(request);
    assert.equal(text(stdout.head), 'postgresql://u:[secret DATABASE_URL]@h/d');
  });
});
