import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecCall, StreamName } from '../../../server/sandbox/supervised/wire.ts';
import type { Sink } from '../../../server/sandbox/supervisor/audience.ts';
import { createCommands } from '../../../server/sandbox/supervisor/commands.ts';
import { execRecords } from '../../../server/sandbox/supervisor/record.ts';

/** More than fits into pipes, so that a command whose output is held back does not end. */
const MUCH = 8 << 20;
const PRINTS: ExecCall = {
  op: 'exec',
  execId: 'turn:call',
  argv: [process.execPath, '-e', `process.stdout.write('x'.repeat(${MUCH}))`],
  timeoutMs: 15_000,
  maxOutputBytes: 100,
  hasStdin: false,
  hasInput: false,
  stream: true,
  cancelled: false,
};

/** A relay that hears output. A full one has no room until it is told to go on, or is cut off. */
interface Listener extends Sink {
  heard: number;
  isFull: boolean;
  filled: Promise<void>;
  goOn(): void;
}
function listener(isFull: boolean): Listener {
  const room = Promise.withResolvers<void>();
  const filled = Promise.withResolvers<void>();
  let closed = false;
  const sink: Listener = {
    heard: 0,
    isFull,
    filled: filled.promise,
    goOn() {
      sink.isFull = false;
      room.resolve();
    },
    write(_name: StreamName, chunk) {
      sink.heard += chunk.length;
      if (sink.isFull) filled.resolve();
      return !sink.isFull;
    },
    drained: () => room.promise,
    get closed() {
      return closed;
    },
    close() {
      closed = true;
      room.resolve();
    },
  };
  return sink;
}

describe('who listens to a command', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'handoff-listeners-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const commands = () => createCommands(execRecords(folder), { workspace: folder, env: {} });

  it('does not wait for a relay that stands still, when another one has taken over', async () => {
    const running = commands();
    const [stopped, next] = [listener(true), listener(false)];
    const ending = running.run(PRINTS, Buffer.alloc(0), stopped);
    await stopped.filled;
    const [{ value }] = await Promise.all([running.run(PRINTS, Buffer.alloc(0), next), ending]);
    assert.deepEqual(
      { reason: value.reason, heard: next.heard, stopped: stopped.closed, next: next.closed },
      { reason: 'exit', heard: MUCH, stopped: true, next: false },
    );
  });

  it('waits for the newest, and cuts off nobody while that one is slow itself', async () => {
    const running = commands();
    const [first, newest] = [listener(true), listener(true)];
    const ending = running.run(PRINTS, Buffer.alloc(0), first);
    await first.filled;
    const attached = running.run(PRINTS, Buffer.alloc(0), newest);
    first.goOn();
    await newest.filled;
    newest.goOn();
    const [{ value }] = await Promise.all([attached, ending]);
    assert.deepEqual(
      { reason: value.reason, heard: [first.heard, newest.heard], closed: [first.closed, newest.closed] },
      { reason: 'exit', heard: [MUCH, MUCH], closed: [false, false] },
    );
  });

  it('does not take one that has gone for the newest', async () => {
    const running = commands();
    const [slow, gone] = [listener(true), listener(false)];
    const ending = running.run(PRINTS, Buffer.alloc(0), slow);
    await slow.filled;
    gone.close();
    const attached = running.run(PRINTS, Buffer.alloc(0), gone);
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // Twice the patience with one who was overtaken.
    assert.equal(slow.closed, false);
    slow.goOn();
    const [{ value }] = await Promise.all([ending, attached]);
    assert.deepEqual([value.reason, slow.heard], ['exit', MUCH]);
  });
});
