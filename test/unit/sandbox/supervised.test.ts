import assert from 'node:assert/strict';
import type { SandboxCaps } from '../../../server/sandbox/sandbox.ts';
import type { Answer, Connection } from '../../../server/sandbox/supervised/connection.ts';
import { supervisedSandbox } from '../../../server/sandbox/supervised/sandbox.ts';

const CAPS: SandboxCaps = {
  isolation: 'namespaces',
  byteExactOutput: true,
  attach: true,
  network: 'none',
  limits: { processes: true, cpus: false, memory: false, disk: false },
};

/** A sandbox whose supervisor answers what it likes. */
function hostile(answer: (call: { op: string }) => Partial<Answer>) {
  const connection: Connection = {
    closed: false,
    call: async (call) => ({ value: {}, body: Buffer.alloc(0), ...answer(call) }),
    connect: () => assert.fail('not part of this test'),
    close: () => {},
  };
  return supervisedSandbox({
    ref: { provider: 'local', id: 'x' },
    caps: CAPS,
    places: { workspace: '/workspace', scratch: '/var/handoff' },
    connection: async () => connection,
  });
}

describe('a relay does not take more from a sandbox than it asked for', () => {
  it('of a command’s output', async () => {
    const shape = (bytes: number) => ({ headBytes: bytes / 2, tailBytes: bytes / 2, omittedBytes: 7 });
    const sandbox = hostile(() => ({
      value: { exitCode: 0, reason: 'exit', durationMs: 1, stdout: shape(1000), stderr: shape(10) },
      body: Buffer.alloc(1010, 'x'),
    }));
    const { stdout, stderr } = await sandbox.exec({
      execId: 'a',
      argv: ['true'],
      timeoutMs: 1000,
      maxOutputBytes: 20,
    });
    assert.deepEqual(
      [stdout, stderr].map(({ head, tail, omittedBytes }) => [
        head.byteLength,
        tail.byteLength,
        omittedBytes,
      ]),
      [
        [10, 10, 987],
        [5, 5, 7],
      ],
    );
  });

  it('of what a search found', async () => {
    const sandbox = hostile(() => ({
      body: Buffer.from(JSON.stringify({ matches: ['a', 'b', 'c'], truncated: false })),
    }));
    assert.deepEqual(await sandbox.glob({ pattern: '*', limit: 2 }), {
      matches: ['a', 'b'],
      truncated: true,
    });
  });

  it('of a part of a file', async () => {
    const sandbox = hostile(() => ({
      value: { size: 100, sha256: 'a'.repeat(64) },
      body: Buffer.alloc(11),
    }));
    await assert.rejects(sandbox.readFile('a', { offset: 0, length: 10 }), { code: 'failed' });
  });

  it('of its own files: neither one that says that it is huge, nor one that grows', async () => {
    let asked = 0;
    const huge = hostile(() => ({ value: { size: 8 * 2 ** 30 }, body: Buffer.alloc(1) }));
    await assert.rejects(huge.getScratch('capture.pack'), { code: 'too-large' });
    const piece = Buffer.alloc(64 << 20);
    const growing = hostile(() => {
      asked += 1;
      return { value: { size: asked * piece.byteLength + 1 }, body: piece };
    });
    await assert.rejects(growing.getScratch('capture.pack'), { code: 'too-large' });
    assert.equal(asked <= 9, true, `${asked} pieces`);
  });
});
