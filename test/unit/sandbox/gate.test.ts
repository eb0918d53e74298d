import assert from 'node:assert/strict';
import { createGate } from '../../../server/sandbox/forks/gate.ts';
import type { ExecRequest, ExecResult, Sandbox } from '../../../server/sandbox/sandbox.ts';
import { directorySandbox } from '../repo/directory-sandbox.ts';
import { temporaryFolder } from '../repo/repositories.ts';

const request = (execId: string): ExecRequest => ({
  execId,
  argv: ['true'],
  timeoutMs: 1,
  maxOutputBytes: 1,
});
const nothing = { head: new Uint8Array(), tail: new Uint8Array(), omittedBytes: 0 };
const DONE: ExecResult = { exitCode: 0, reason: 'exit', stdout: nothing, stderr: nothing, durationMs: 0 };

describe('the gate to a machine that is stopped for a moment', () => {
  let happened: string[];
  let folder: ReturnType<typeof temporaryFolder>;
  /** Commands end when they are let. */
  let ends: Map<string, () => void>;
  let machine: Sandbox;
  beforeEach(() => {
    happened = [];
    ends = new Map();
    folder = temporaryFolder();
    machine = {
      ...directorySandbox(folder.path),
      async exec({ execId }) {
        happened.push(`${execId} began`);
        await new Promise<void>((resolve) => ends.set(execId, resolve));
        happened.push(`${execId} ended`);
        return DONE;
      },
    };
  });
  afterEach(() => folder[Symbol.dispose]());
  /** Lets all that can go on do so. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('lets calls that are under way end, and those that come later wait', async () => {
    const gate = createGate();
    const sandbox = gate.around('task', machine);
    const first = sandbox.exec(request('first'));
    const copying = Promise.withResolvers<void>();
    const alone = gate.alone('task', async () => {
      happened.push('copying');
      await copying.promise;
      happened.push('copied');
    });
    const second = sandbox.exec(request('second'));
    await settle();
    assert.deepEqual(happened, ['first began']);
    ends.get('first')?.();
    await first;
    await settle();
    assert.deepEqual(happened, ['first began', 'first ended', 'copying']);
    copying.resolve();
    await alone;
    await settle();
    ends.get('second')?.();
    await second;
    assert.deepEqual(happened.slice(3), ['copied', 'second began', 'second ended']);
  });

  it('loses patience with a call that does not end', async () => {
    const gate = createGate(1);
    void gate.around('task', machine).exec(request('server'));
    await gate.alone('task', async () => void happened.push('copying'));
    assert.deepEqual(happened, ['server began', 'copying']);
    ends.get('server')?.();
    await settle();
    await gate.alone('task', async () => void happened.push('again'));
    assert.deepEqual(happened.slice(2), ['server ended', 'again']);
  });

  it('does not wait for what nobody waits for: servers, and what goes on in the background', async () => {
    const gate = createGate();
    void gate.around('task', machine).exec(request('server'), { isBackground: true });
    await settle();
    await gate.alone('task', async () => void happened.push('copying'));
    assert.deepEqual(happened, ['server began', 'copying']);
    ends.get('server')?.();
  });

  it('waits for a call, however long that may take', async () => {
    const gate = createGate();
    const build = gate.around('task', machine).exec({ ...request('build'), timeoutMs: 86_400_000 });
    const alone = gate.alone('task', async () => void happened.push('copying'));
    await settle();
    assert.deepEqual(happened, ['build began']);
    ends.get('build')?.();
    await Promise.all([build, alone]);
    assert.deepEqual(happened, ['build began', 'build ended', 'copying']);
  });

  it('lets one be alone at a time, opens where that fails, and is each machine’s own', async () => {
    const gate = createGate();
    const held = Promise.withResolvers<never>();
    const first = gate.alone('task', () => held.promise);
    const second = gate.alone('task', async () => void happened.push('second'));
    await gate.alone('another', async () => void happened.push('another'));
    assert.deepEqual(happened, ['another']);
    held.reject(new Error('failed'));
    await assert.rejects(first, /failed/);
    await second;
    assert.deepEqual(happened, ['another', 'second']);
  });
});
