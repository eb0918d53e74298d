import { type ChildProcess, fork } from 'node:child_process';
import type { FromSpawner, ToSpawner } from './messages.ts';
import { type ProcessListener, type StartProcess, startHere } from './process.ts';

/** How long (ms) the spawner is kept with nothing to do: it takes 45 MB, and 40 ms to start. */
const IDLE_MS = 60_000;

/** Starts programs from a small process of its own, which is there while there is something to start. */
export interface Spawner {
  start: StartProcess;
  /** Lets it end. What it started goes on to its end, unheard. */
  close(): void;
}

/** The process that starts others has ended, and nobody knows what became of what it had started: it may even go on. */
export class SpawnerLost extends Error {
  override readonly name = 'SpawnerLost';
}

interface Small {
  child: ChildProcess;
  isReady: boolean;
  listeners: Map<number, ProcessListener>;
}

/**
 * @param program path of the spawner's program
 * @param idleMs after how long without anything to do it is let go
 */
export function createSpawner(program: string, idleMs = IDLE_MS): Spawner {
  let small: Small | undefined;
  let lastId = 0;
  let idle: NodeJS.Timeout | undefined;

  const send = ({ child }: Small, message: ToSpawner): void => void child.send(message, () => {});

  function begin(): Small {
    const child = fork(program, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const made: Small = { child, isReady: false, listeners: new Map() };
    // What waits for a process waits for it by itself; nobody is kept alive by an idle spawner.
    child.unref();
    child.channel?.unref();
    child.on('message', (message: FromSpawner) => hear(made, message));
    const gone = (cause: unknown): void => {
      if (small === made) small = undefined;
      for (const [id, listener] of made.listeners) {
        made.listeners.delete(id);
        listener.failed(cause);
      }
    };
    child.once('error', gone);
    child.once('disconnect', () => gone(new SpawnerLost('the process that starts others has ended')));
    return made;
  }

  function hear(from: Small, message: FromSpawner): void {
    if (message.kind === 'ready') {
      from.isReady = true;
      return;
    }
    const listener = from.listeners.get(message.id);
    if (listener === undefined) return;
    switch (message.kind) {
      case 'stdout':
      case 'stderr':
        listener[message.kind](bufferOf(message.chunk));
        return;
      case 'closed':
        ended(from, message.id);
        listener.closed(message.exitCode);
        return;
      case 'failed':
        ended(from, message.id);
        listener.failed(Object.assign(new Error(message.message), { code: message.code }));
    }
  }

  function ended(from: Small, id: number): void {
    from.listeners.delete(id);
    clearTimeout(idle);
    if (from.listeners.size > 0) return;
    from.child.channel?.unref();
    idle = setTimeout(() => letGo(from), idleMs).unref();
  }

  function letGo(from: Small): void {
    if (from.listeners.size > 0) return;
    if (small === from) small = undefined;
    if (from.child.connected) from.child.disconnect();
  }

  return {
    start(request, listener) {
      small ??= begin();
      const by = small;
      // Until it is up nobody waits for it.
      if (!by.isReady || !by.child.connected) return startHere(request, listener);
      clearTimeout(idle);
      const id = ++lastId;
      by.listeners.set(id, listener);
      by.child.channel?.ref();
      send(by, { kind: 'start', id, request });
      return { kill: (signal) => send(by, { kind: 'kill', id, signal }) };
    },
    close() {
      clearTimeout(idle);
      if (small !== undefined) letGo(small);
    },
  };
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
