import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { Refusal } from './daemon-answers.ts';

/**
 * `process/execute`: waits, and answers stdout and stderr as one text. It waits for whoever holds the output open, too, so what is
 * left in the background must have let go of it.
 */
export function execute(body: Record<string, unknown>): Promise<{ exitCode: number; result: string }> {
  const { command, cwd, envs, timeout } = body;
  if (typeof command !== 'string' || command === '') throw new Refusal(400, 'command is required');
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      cwd: typeof cwd === 'string' ? cwd : homedir(),
      env: { ...process.env, ...stringsOf(envs) },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
    const seconds = typeof timeout === 'number' && timeout > 0 ? timeout : 360;
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      reject(new Refusal(408, 'command execution timeout'));
    }, seconds * 1000);
    child.on('error', (error) => reject(new Refusal(500, error.message)));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? -1, result: Buffer.concat(pieces).toString('utf8') });
    });
  });
}

function stringsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}
