import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BoundedOutput, ExecRequest, ExecResult, Sandbox } from '../../../server/sandbox/sandbox.ts';

const notHere = () => Promise.reject(new Error('this sandbox only runs commands'));

/** As much of a sandbox as the workspace scripts use: two folders and child processes. `started` records the commands. */
export function directorySandbox(folder: string): Sandbox & { started: ExecRequest[]; killed: string[] } {
  const workdir = path.join(folder, 'workspace');
  const scratchdir = path.join(folder, 'scratch');
  mkdirSync(workdir, { recursive: true });
  mkdirSync(scratchdir, { recursive: true });
  const started: ExecRequest[] = [];
  const killed: string[] = [];
  return {
    ref: { provider: 'directory', id: folder },
    caps: {
      isolation: 'container',
      byteExactOutput: true,
      attach: false,
      network: 'none',
      limits: { processes: false, cpus: false, memory: false, disk: false },
    },
    workdir,
    scratchdir,
    started,
    killed,
    exec: (request, options) => {
      started.push(request);
      return run(request, path.resolve(workdir, request.cwd ?? '.'), options?.signal);
    },
    killAll: async (prefix) => {
      killed.push(prefix);
    },
    putScratch: (name, data) => writeFile(path.join(scratchdir, name), data),
    getScratch: (name) => readFile(path.join(scratchdir, name)),
    readFile: notHere,
    writeFile: notHere,
    glob: notHere,
    grep: notHere,
    readOutput: notHere,
    ports: notHere,
    connect: notHere,
  };
}

function run(request: ExecRequest, cwd: string, signal: AbortSignal | undefined): Promise<ExecResult> {
  const [program = '', ...args] = request.argv;
  const env = { PATH: process.env.PATH, HOME: cwd, ...request.env };
  const child = spawn(program, args, { cwd, env, ...(signal === undefined ? {} : { signal }) });
  const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  child.stdout.on('data', (data: Buffer) => output.stdout.push(data));
  child.stderr.on('data', (data: Buffer) => output.stderr.push(data));
  const whole = (chunks: Buffer[]): BoundedOutput => ({
    head: Buffer.concat(chunks),
    tail: new Uint8Array(),
    omittedBytes: 0,
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) =>
      resolve({
        exitCode,
        reason: 'exit',
        stdout: whole(output.stdout),
        stderr: whole(output.stderr),
        durationMs: 0,
      }),
    );
  });
}
