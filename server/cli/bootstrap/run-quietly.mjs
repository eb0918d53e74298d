// A child process whose output matters only when it fails.
import { spawn } from 'node:child_process';

/** Of a failed command's output, how much of its beginning and of its end is shown, in characters: npm puts pages of usage after a reason. */
const KEPT_HEAD = 1500;
const KEPT_TAIL = 1500;

/**
 * Ends the child when this process ends, unless `options.detached` says that it must be let finish.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<{ code: number, output: string }>} code 127 where the command could not be started
 */
export function runQuietly(command, args, options) {
  return new Promise((resolve) => {
    let head = '';
    let tail = '';
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk) => {
      const text = String(chunk);
      const room = KEPT_HEAD - head.length;
      head += text.slice(0, room);
      tail = (tail + text.slice(room)).slice(-KEPT_TAIL);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const end = () => child.kill();
    if (!options.detached) process.once('exit', end);
    child.on('error', (error) => resolve({ code: 127, output: String(error.message) }));
    child.on('close', (code) => {
      process.off('exit', end);
      const output = tail.length < KEPT_TAIL ? head + tail : `${head}\n...\n${tail}`;
      resolve({ code: code ?? 1, output: output.trim() });
    });
  });
}
