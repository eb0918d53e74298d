import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { ExecStream, SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

/** What a command answers while it runs: `heard(text)` resolves once it has said that. */
function listener() {
  let said = '';
  const waiting = new Map<string, () => void>();
  return {
    onOutput({ data }: ExecStream) {
      said += Buffer.from(data);
      for (const [text, resolve] of waiting) if (said.includes(text)) resolve();
    },
    heard: (text: string) =>
      new Promise<void>((resolve) => {
        waiting.set(text, resolve);
        if (said.includes(text)) resolve();
      }),
  };
}

/** A command that is spoken to while it runs. */
export const input: Topic = (fixture) => {
  const machine = machineFor(fixture);
  const others: SandboxProvider[] = [];
  afterEach(async () => {
    for (const provider of others.splice(0)) await provider.close();
  });

  it('is answered line by line, and ends where its input does', async () => {
    const lines = new PassThrough();
    const { onOutput, heard } = listener();
    const asked = request(['bash', '-c', 'while read -r line; do echo "got $line"; done; echo end']);
    const running = machine().exec(asked, { input: lines, onOutput });
    lines.write('one\n');
    await heard('got one\n');
    lines.write('two\n');
    await heard('got two\n');
    lines.end();
    const result = await running;
    assert.deepEqual([result.exitCode, texts(result)], [0, { out: 'got one\ngot two\nend\n', err: '' }]);
  });

  it('takes much, byte by byte as it was said, at the pace of the command', async () => {
    let sent = 0;
    async function* numbers(): AsyncGenerator<Uint8Array> {
      for (; sent < 100; sent += 1) yield Buffer.alloc(100_000, sent);
    }
    await shell(machine(), 'mkfifo slow');
    const asked = request(['bash', '-c', 'echo up; cat slow; sha256sum']);
    const { onOutput, heard } = listener();
    const running = machine().exec(asked, { input: numbers(), onOutput });
    await heard('up\n');
    assert.ok(sent < 100, 'all was sent to a command that reads nothing');
    await shell(machine(), ': > slow');
    const all = Buffer.concat(Array.from({ length: 100 }, (_, at) => Buffer.alloc(100_000, at)));
    const hash = createHash('sha256').update(all).digest('hex');
    assert.equal(texts(await running).out, `up\n${hash}  -\n`);
  });

  it('does not fail where the command closes its input', async () => {
    const lines = new PassThrough();
    const { onOutput, heard } = listener();
    const asked = request(['bash', '-c', 'exec <&-; echo deaf; until [ -e told ]; do sleep 0.02; done']);
    const running = machine().exec(asked, { input: lines, onOutput });
    await heard('deaf\n');
    lines.write('is anybody there?\n');
    await shell(machine(), 'touch told');
    assert.equal((await running).exitCode, 0);
  });

  it('is let go of where the program cannot be started', async () => {
    const lines = new PassThrough();
    lines.write('hello\n');
    const result = await machine().exec(request(['no-such-program']), { input: lines });
    assert.deepEqual(
      [result.exitCode, texts(result)],
      [127, { out: '', err: 'no-such-program: command not found\n' }],
    );
  });

  it('ends with the connection of the relay that spoke; who attaches only listens', async () => {
    const provider = fixture().anotherRelay();
    others.push(provider);
    const elsewhere = await provider.resume(machine().ref);
    const { onOutput, heard } = listener();
    const asked = request(['bash', '-c', 'read -r line; echo "got $line"; read -r line || echo alone']);
    const lines = new PassThrough();
    const running = elsewhere.exec(asked, { input: lines, onOutput });
    lines.write('one\n');
    await heard('got one\n');
    const cut = assert.rejects(running, { code: 'lost' });
    await provider.close();
    await cut;
    const late = new PassThrough();
    late.write('two\n');
    const result = await machine().exec(asked, { input: late });
    assert.equal(texts(result).out, 'got one\nalone\n');
  });
};
