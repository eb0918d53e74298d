import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SandboxError } from '../sandbox.ts';
import { type Arch, ripgrepFor } from '../supervised/ripgrep.ts';

/** What is brought into a machine. */
export interface Kit {
  /** Read once in the life of a relay; `hash` names it, so that a newer relay brings its own. */
  supervisor(): Promise<{ hash: string; data: Buffer }>;
  /** A ripgrep that runs on any Linux of that architecture; undefined where this relay has none. */
  ripgrep(arch: Arch): Promise<Buffer | undefined>;
}

/** @param supervisorPath the supervisor's bundle for machines that are reached by WebSocket */
export function createKit(supervisorPath: string): Kit {
  let supervisor: ReturnType<Kit['supervisor']> | undefined;
  return {
    supervisor() {
      supervisor ??= readSupervisor(supervisorPath);
      supervisor.catch(() => {
        supervisor = undefined;
      });
      return supervisor;
    },
    ripgrep: (arch) => ripgrepFor(arch, dirname(supervisorPath)),
  };
}

async function readSupervisor(path: string): ReturnType<Kit['supervisor']> {
  try {
    const data = await readFile(path);
    return { hash: createHash('sha256').update(data).digest('hex').slice(0, 16), data };
  } catch (cause) {
    throw new SandboxError('unavailable', 'This relay has no supervisor to bring into sandboxes.', {
      cause,
      nextAction: 'Build it (npm run build), or install Handoff again.',
    });
  }
}
