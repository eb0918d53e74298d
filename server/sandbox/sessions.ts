import type { Sandbox, SandboxProvider, SandboxRef } from './sandbox.ts';
import { SandboxError } from './sandbox.ts';

/** The sandboxes of tasks, opened once per process and shared by all that work on the task. */
export interface SandboxSessions {
  /** The task's machine: attached to, resumed if it sleeps, created if the task never had one. Never recreated. */
  open(taskId: string): Promise<Sandbox>;
  /** The same, asking the provider again: what this process remembers of a machine may have become wrong. */
  reopen(taskId: string): Promise<Sandbox>;
  destroy(taskId: string, ref: SandboxRef): Promise<void>;
}

/** The same for whoever looks after machines that no turn works on. */
export interface SandboxKeeper extends SandboxSessions {
  /** As `reopen`, for a machine that the task had when it was looked at: one that was destroyed since is lost, not made anew. */
  resume(taskId: string, ref: SandboxRef): Promise<Sandbox>;
  /** Only for whoever knows that nobody needs it. */
  hibernate(taskId: string, ref: SandboxRef): Promise<void>;
}

/** @param refs where the task's machine is remembered, beyond this process */
export function createSandboxSessions(
  provider: SandboxProvider,
  refs: {
    get(taskId: string): Promise<SandboxRef | null>;
    set(taskId: string, ref: SandboxRef): Promise<void>;
  },
): SandboxKeeper {
  const opened = new Map<string, Promise<Sandbox>>();

  async function resumeAt(ref: SandboxRef): Promise<Sandbox> {
    if (ref.provider !== provider.name) {
      throw new SandboxError(
        'unavailable',
        `This task's sandbox is at ${ref.provider}, and the relay uses ${provider.name}.`,
        {
          nextAction: `Start the relay with HANDOFF_SANDBOX=${ref.provider}, or start a new task.`,
        },
      );
    }
    return provider.resume(ref);
  }

  async function openAnew(taskId: string): Promise<Sandbox> {
    const ref = await refs.get(taskId);
    if (ref) return resumeAt(ref);
    const sandbox = await provider.create({ taskId });
    await refs.set(taskId, sandbox.ref);
    return sandbox;
  }

  function remember(taskId: string, opening: Promise<Sandbox>): Promise<Sandbox> {
    opened.set(taskId, opening);
    opening.catch(() => opened.delete(taskId));
    return opening;
  }
  const reopen = (taskId: string): Promise<Sandbox> => remember(taskId, openAnew(taskId));

  return {
    open: (taskId) => opened.get(taskId) ?? reopen(taskId),
    reopen,
    resume: (taskId, ref) => remember(taskId, resumeAt(ref)),
    async hibernate(taskId, ref) {
      opened.delete(taskId);
      await provider.hibernate(ref);
    },
    async destroy(taskId, ref) {
      opened.delete(taskId);
      await provider.destroy(ref);
    },
  };
}
