import { spawn } from 'node:child_process';
import { SandboxError } from '../sandbox.ts';

/** Ignored files and `.git` are left out, hidden files (`.github`) are not, and no configuration has a say. */
export const COMMON_FLAGS = [
  '--no-config',
  '--hidden',
  '--no-require-git',
  '--no-messages',
  '--null',
  '--color=never',
  // Only exclusions: a glob that includes would override what `.gitignore` excludes.
  '--glob=!.git',
];

/** Exit code 0 is matches, 1 none, 2 that something could not be searched, or not be understood. */
const NOT_ALL_SEARCHED = 2;

/** Bytes of complaints that are kept. */
const MAX_COMPLAINT = 2_000;

export interface Ran {
  /** Null where `onOutput` had enough. */
  exitCode: number | null;
  complaint: string;
}

/**
 * Runs ripgrep.
 * @param onOutput gets stdout as it comes; answers `false` when it has enough. What it throws ends the run
 */
export function ripgrep(
  args: string[],
  options: { cwd: string; signal: AbortSignal },
  onOutput: (chunk: Buffer) => boolean,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) return reject(stopped());
    const child = spawn('rg', args, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => {
      child.kill('SIGKILL');
    };
    let enough = false;
    let complaint = '';
    options.signal.addEventListener('abort', stop, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        if (enough || onOutput(chunk)) return;
      } catch (error) {
        reject(error);
      }
      enough = true;
      stop();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(0, MAX_COMPLAINT);
    });
    child.on('error', (error) => {
      const message = 'The search could not be started; too many processes may be running in the sandbox.';
      reject(new SandboxError('failed', message, { cause: error }));
    });
    child.on('close', (exitCode) => {
      options.signal.removeEventListener('abort', stop);
      if (options.signal.aborted) reject(stopped());
      else if (!enough && (exitCode === null || exitCode > NOT_ALL_SEARCHED)) reject(crashed(complaint));
      else resolve({ exitCode: enough ? null : exitCode, complaint });
    });
  });
}

/** Silence must not look like "no match". */
function crashed(complaint: string): SandboxError {
  return new SandboxError(
    'failed',
    `The search broke off; the sandbox may be short of memory or processes. ${complaint}`,
  );
}

function stopped(): SandboxError {
  return new SandboxError('cancelled', 'The search was stopped.');
}
