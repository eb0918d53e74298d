import type { FromSpawner, ToSpawner } from './messages.ts';
import { type RunningProcess, startHere } from './process.ts';

/**
 * A process that does nothing but start others. Starting one copies the page tables of whoever starts it: 1.4 ms from a small process,
 * 12 ms from one of 300 MiB, in which nothing else goes on meanwhile. So the relay has this one do it.
 *
 * It ends when the relay has, once what it started has.
 */
const running = new Map<number, RunningProcess>();

const say = (message: FromSpawner): void => {
  // The relay is gone: what was started goes on to its end, unheard.
  if (process.connected) process.send?.(message, () => {});
};

process.on('message', (message: ToSpawner) => {
  if (message.kind === 'kill') {
    running.get(message.id)?.kill(message.signal);
    return;
  }
  const { id, request } = message;
  const started = startHere(request, {
    stdout: (chunk) => say({ kind: 'stdout', id, chunk }),
    stderr: (chunk) => say({ kind: 'stderr', id, chunk }),
    closed(exitCode) {
      running.delete(id);
      say({ kind: 'closed', id, exitCode });
    },
    failed(cause) {
      running.delete(id);
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
      say({ kind: 'failed', id, code, message: cause instanceof Error ? cause.message : String(cause) });
    },
  });
  running.set(id, started);
});

// Ctrl-C reaches the whole group of the terminal: the relay is to end in order, and needs this until then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

say({ kind: 'ready' });
