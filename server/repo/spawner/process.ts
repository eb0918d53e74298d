import { spawn } from 'node:child_process';

/** A program to be run, with nothing of this process's environment but what is named. */
export interface ProcessRequest {
  file: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  stdin?: Uint8Array;
}

/** What is heard of a process: output as it comes, then `closed` once, or `failed` once and nothing else. */
export interface ProcessListener {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
  /** Null where a signal ended it. */
  closed(exitCode: number | null): void;
  /** It could not be started, or nobody knows any more what became of it. */
  failed(cause: unknown): void;
}

export interface RunningProcess {
  /** The whole group: a helper of it would outlive it otherwise. Nothing happens where it is gone already. */
  kill(signal: NodeJS.Signals): void;
}

export type StartProcess = (request: ProcessRequest, listener: ProcessListener) => RunningProcess;

/** Runs a program as a child of this very process. */
export const startHere: StartProcess = ({ file, args, cwd, env, stdin }, listener) => {
  const isGroup = process.platform !== 'win32';
  const child = spawn(file, args, { cwd, env, detached: isGroup, windowsHide: true });
  child.stdout.on('data', (chunk: Buffer) => listener.stdout(chunk));
  child.stderr.on('data', (chunk: Buffer) => listener.stderr(chunk));
  // A program that ends early closes its input; its exit code says why.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  let hasFailed = false;
  child.once('error', (cause) => {
    hasFailed = true;
    listener.failed(cause);
  });
  child.once('close', (exitCode) => {
    if (!hasFailed) listener.closed(exitCode);
  });
  return {
    kill(signal) {
      if (child.pid === undefined) return;
      try {
        if (isGroup) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // It is gone already.
      }
    },
  };
};
