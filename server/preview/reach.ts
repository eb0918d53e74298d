import type { Duplex } from 'node:stream';
import { type Sandbox, SandboxError } from '../sandbox/sandbox.ts';

/** The machines of tasks, as far as previews need them. */
export interface PreviewMachines {
  /** The task's machine if it is awake. Never wakes or makes one. */
  find(taskId: string): Promise<Sandbox | 'asleep' | 'none'>;
  wake(taskId: string): Promise<unknown>;
}

/** What is at a port: a connection to it, or why there is none. */
export type Reached =
  | { kind: 'connected'; stream: Duplex }
  /** Nothing listens, or takes no connection, yet. */
  | { kind: 'silent' }
  /** `failure`: why it could not be woken just now, as it may be shown. */
  | { kind: 'asleep'; isWaking: boolean; failure?: string }
  | { kind: 'none' };

/** The way into sandboxes: what is asked for each file of a page is not to ask a vendor each time whether the machine runs. */
export interface Reach {
  connect(taskId: string, port: number): Promise<Reached>;
  /** Wakes a sandbox behind the caller's back, once however often it is asked. */
  wake(taskId: string): void;
}

/** How long (ms) a machine that is not there is not asked for again, and a failure to wake it is told. */
const REST_MS = 1_000;
const TOLD_MS = 30_000;

/**
 * Vendors have previews with signed addresses of their own. They are not used: one way in, over the connection that the relay has to
 * every sandbox, keeps one set of rules for links, cookies and revocation, and no address that works without the relay.
 */
export function createReach(deps: {
  machines: PreviewMachines;
  now: () => number;
  onWakeFailed: (taskId: string, error: unknown) => void;
}): Reach {
  const { machines, now } = deps;
  const found = new Map<string, { machine: ReturnType<PreviewMachines['find']>; until: number }>();
  const waking = new Map<string, { done: boolean; failure?: string; at: number }>();

  const find = (taskId: string): ReturnType<PreviewMachines['find']> => {
    const known = found.get(taskId);
    if (known !== undefined && known.until > now()) return known.machine;
    const machine = machines.find(taskId);
    const entry = { machine, until: Infinity };
    found.set(taskId, entry);
    machine.then(
      (is) => {
        if (typeof is === 'string') entry.until = now() + REST_MS;
      },
      () => forget(taskId, machine),
    );
    return machine;
  };
  /** Many hear at once that a machine is lost; what was found since is kept. */
  const forget = (taskId: string, machine: ReturnType<PreviewMachines['find']>): void => {
    if (found.get(taskId)?.machine === machine) found.delete(taskId);
  };

  const absent = (taskId: string, is: 'asleep' | 'none'): Reached => {
    if (is === 'none') return { kind: 'none' };
    const attempt = waking.get(taskId);
    const failure = attempt !== undefined && attempt.at > now() - TOLD_MS ? attempt.failure : undefined;
    return {
      kind: 'asleep',
      isWaking: attempt?.done === false,
      ...(failure === undefined ? {} : { failure }),
    };
  };

  const attempt = async (taskId: string, port: number): Promise<Reached | 'lost'> => {
    const finding = find(taskId);
    const machine = await finding;
    if (typeof machine === 'string') return absent(taskId, machine);
    try {
      return { kind: 'connected', stream: await machine.connect(port) };
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      if (error.code === 'not-found' || error.code === 'busy') return { kind: 'silent' };
      forget(taskId, finding);
      return 'lost';
    }
  };

  return {
    async connect(taskId, port) {
      const first = await attempt(taskId, port);
      // The machine may have gone to sleep, or be another one by now: asked anew, once.
      const second = first === 'lost' ? await attempt(taskId, port) : first;
      return second === 'lost' ? { kind: 'silent' } : second;
    },

    wake(taskId) {
      if (waking.get(taskId)?.done === false) return;
      const attempt: { done: boolean; failure?: string; at: number } = { done: false, at: now() };
      waking.set(taskId, attempt);
      machines.wake(taskId).then(
        () => {
          waking.delete(taskId);
          found.delete(taskId);
        },
        (error: unknown) => {
          deps.onWakeFailed(taskId, error);
          attempt.done = true;
          attempt.at = now();
          attempt.failure =
            error instanceof SandboxError
              ? [error.message, error.nextAction].filter(Boolean).join(' ')
              : 'The sandbox could not be woken; the relay log has the details.';
        },
      );
    },
  };
}
